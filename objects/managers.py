"""A manager without the methods that change rows without a signal, so that every change is recorded."""

from typing import Any, NoReturn, TypeVar

from django.db import models

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class UnrecordedChangeError(TypeError):
    """The change was refused because it would leave no information event."""


class ClosedQuerySet(models.QuerySet[Row_co]):
    """Refuses every way of writing that sends no signals, so that rows change one by one.

    `Model._base_manager` stays open for other purposes, such as the rows of a benchmark.
    """

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        name = self.model.__name__
        raise UnrecordedChangeError(
            f"Changing rows of {name} together would leave no event. Save or delete them one by one."
        )

    _refuse.alters_data = True  # type: ignore[attr-defined]
    update = bulk_create = bulk_update = _raw_delete = _refuse


ClosedManager = models.Manager.from_queryset(ClosedQuerySet)
