"""The properties of an object on the wire: their types, and nothing else. Rules are the models'.

A serializer here describes the object (for the OpenAPI document) and reads what a client sent into values for the
model. What is of the wrong type, unknown, or read-only and not as it is, is `InvalidField` + `field`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from rest_framework import serializers

from foundation.texts import is_storable
from objects.authorship import AuthoredModel
from objects.changes import refusal

Values = dict[str, Any]


def utc(moment: datetime) -> str:
    """`moment` in ISO 8601 with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class WrongTypeError(Exception):
    """A value of another JSON type; the message says which one is needed."""


class Typed:
    """A field that takes values of one JSON type, as they come."""

    json_type: ClassVar[type]
    called: ClassVar[str]

    def read(self, value: object) -> Any:
        """The value.

        Raises:
            WrongTypeError: it is of another type.
        """
        # `isinstance` would take true for a number.
        if type(value) is not self.json_type:
            raise WrongTypeError(self.called)
        return value


class Text(Typed, serializers.CharField):
    """A string."""

    json_type, called = str, "a string"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": True, "trim_whitespace": False} | kwargs)


class Choice(Typed, serializers.ChoiceField):
    """A string; which ones there are, the model knows."""

    json_type, called = str, "a string"


class Flag(Typed, serializers.BooleanField):
    """`true` or `false`."""

    json_type, called = bool, "true or false"


class Number(Typed, serializers.IntegerField):
    """A whole number that fits into a column."""

    json_type, called = int, "a whole number"

    def read(self, value: object) -> int:
        """The number.

        Raises:
            WrongTypeError: it is none, or too large for any column.
        """
        number: int = super().read(value)
        if abs(number) >= 2**31:
            raise WrongTypeError(self.called)
        return number


class Id(serializers.UUIDField):
    """A UUID as a string."""

    def read(self, value: object) -> UUID:
        """The id.

        Raises:
            WrongTypeError: it is none.
        """
        found = as_id(value)
        if found is None:
            raise WrongTypeError("an id")
        return found


class Several(serializers.ListField):
    """A list whose entries are all of `child`'s type."""

    def read(self, value: object) -> list[Any]:
        """The list.

        Raises:
            WrongTypeError: it is none, or one of its entries is not of its type.
        """
        if not isinstance(value, list):
            raise WrongTypeError("a list")
        child: Any = self.child
        return [child.read(entry) for entry in value]


class Part(serializers.Serializer[Any]):
    """An object within an object."""

    def read(self, value: object) -> Values:
        """What it holds, by name.

        Raises:
            WrongTypeError: it is no object.
            ValidationError: something in it is unknown or of the wrong type.
        """
        if not isinstance(value, dict):
            raise WrongTypeError("an object")
        return read(self, value, {})


class OptionalPart(Part):
    """An object within an object, or null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True} | kwargs)

    def read(self, value: object) -> Values | None:  # type: ignore[override]
        """What it holds, by name, or None."""
        return None if value is None else super().read(value)


class Moment(serializers.DateTimeField):
    """A time in UTC, ISO 8601 with `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read_only": True} | kwargs)


class MovingMoment(Moment):
    """A time that goes on without a change of the object, or null; a client may send back what it was earlier."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True} | kwargs)

    def was(self, value: object, present: str | None) -> bool:
        """Whether `value` may have been read before; `present` is the time now, as it is on the wire."""
        if value is None or value == present:
            return True
        return isinstance(value, str) and present is not None and _moment(value) < _moment(present)


def _moment(text: str) -> datetime:
    """The time in `text`; the end of all times when it is none, so that it is earlier than nothing."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


class Authored(serializers.Serializer[Any]):
    """What every object has."""

    id = serializers.UUIDField(read_only=True)
    createdBy = serializers.CharField(read_only=True)
    createdAt = Moment()
    lastModifiedBy = serializers.CharField(read_only=True)
    lastModified = Moment()


def authorship(instance: AuthoredModel) -> Values:
    """Who made and changed it, and when, as it is on the wire."""
    return {
        "createdBy": instance.created_by,
        "createdAt": utc(instance.created_at),
        "lastModifiedBy": instance.last_modified_by,
        "lastModified": utc(instance.last_modified),
    }


def read(serializer: serializers.Serializer[Any], data: Any, present: Mapping[str, Any]) -> Values:
    """What a client sent, by name; `present` is the object as it is on the wire, empty for a new one.

    Raises:
        ValidationError: all that is unknown, of the wrong type, or read-only and not as it is.
    """
    values: Values = {}
    found: list[ValidationError] = []
    for name, value in data.items():
        field: Any = serializer.fields.get(name)
        try:
            if field is None:
                found.append(_invalid(name, "There is no such property."))
            elif not field.read_only:
                values[name] = field.read(value)
            elif name not in present or not _is_present(field, value, present[name]):
                found.append(_invalid(name, "This property is read-only."))
        except WrongTypeError as error:
            found.append(_invalid(name, f"The property must be {error}."))
        except ValidationError as error:
            found += error.error_list
    if found:
        raise ValidationError(found)
    return values


def _is_present(field: object, value: object, present: object) -> bool:
    return field.was(value, cast(str | None, present)) if isinstance(field, MovingMoment) else present == value


def as_id(value: object) -> UUID | None:
    """The UUID in `value` if it is one as the wire has them."""
    try:
        found = UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and str(found) == str(value).lower() else None


def _invalid(name: str, rule: str) -> ValidationError:
    shown = name if is_storable(name) else ascii(name)
    return refusal("InvalidField", rule, field=shown)
