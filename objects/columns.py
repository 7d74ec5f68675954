"""Columns that the product fills in, however an object is saved."""

from collections.abc import Callable
from typing import Any

from django.db import models


class RevisionField(models.PositiveBigIntegerField):
    """Counts the saves of an object, from 1.

    `objects.changes.save_checked` locks the object's row while it counts; a bare `save()` does not.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"default": 0, "editable": False} | kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        rows = type(model_instance)._base_manager.filter(pk=model_instance.pk)
        stored = None if add else rows.values_list(self.attname, flat=True).first()
        revision = (stored or 0) + 1
        setattr(model_instance, self.attname, revision)
        return revision


class _Derived(models.Field):
    """A column that each save computes from others, by `derive(instance)`."""

    def __init__(self, *args: Any, derive: Callable[[Any], Any] | None = None, **kwargs: Any) -> None:
        self.derive = derive
        super().__init__(*args, **{"editable": False} | kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Migrations have no `derive` and keep the stored value."""
        if self.derive is not None:
            setattr(model_instance, self.attname, self.derive(model_instance))
        return super().pre_save(model_instance, add)


class DerivedCharField(_Derived, models.CharField):
    pass


class DerivedBooleanField(_Derived, models.BooleanField):
    pass


class DerivedIntegerField(_Derived, models.PositiveBigIntegerField):
    pass


class DerivedSmallIntegerField(_Derived, models.PositiveSmallIntegerField):
    pass
