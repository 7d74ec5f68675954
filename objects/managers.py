"""A manager without the methods that change rows without a signal, so that every change is recorded."""

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.db import models

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class UnrecordedChangeError(TypeError):
    """The change was refused because it would leave no information event."""


class ClosedQuerySet(models.QuerySet[Row_co]):
    """Refuses every way of writing that sends no signals, so that rows change one by one.

    `Model._base_manager` stays open for other purposes, such as the rows of a benchmark.
    """

    def update(self, **kwargs: Any) -> NoReturn:
        raise self._refused("update")

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> NoReturn:
        raise self._refused("bulk_create")

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> NoReturn:
        raise self._refused("bulk_update")

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise self._refused("_raw_delete")

    def _refused(self, way: str) -> UnrecordedChangeError:
        name = self.model.__name__
        return UnrecordedChangeError(
            f"{way}() of {name} is closed: it would leave no event. Save or delete one by one."
        )


ClosedManager = models.Manager.from_queryset(ClosedQuerySet)
ClosedQuerySet.update.alters_data = True  # type: ignore[attr-defined]
