"""Columns that the product fills in, however an object is saved."""

import zlib
from collections.abc import Callable
from typing import Any

from django.db import models


class RevisionField(models.PositiveBigIntegerField):
    """Counts the saves of an object, from 1.

    `AuthoredModel.save_base` locks the object's row and reads the stored number before it counts on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"default": 0, "editable": False} | kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        revision = 1 if add else getattr(model_instance, self.attname) + 1
        setattr(model_instance, self.attname, revision)
        return revision


class CompressedTextField(models.TextField):
    """A text that is stored as the bytes of zlib, for large ones that repeat themselves. It cannot be searched."""

    def get_internal_type(self) -> str:
        return "BinaryField"

    def get_prep_value(self, value: Any) -> bytes | None:
        text = super().get_prep_value(value)
        return None if text is None else zlib.compress(text.encode())

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        stored = value if prepared else self.get_prep_value(value)
        return None if stored is None else connection.Database.Binary(stored)

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return str(connection.ops.binary_placeholder_sql(value))

    def from_db_value(self, value: Any, *_: object) -> str | None:
        return None if value is None else zlib.decompress(value).decode()


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
