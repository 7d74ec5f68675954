"""Objects as JSON: the management API with its filters, the as-code files and the mirror derive from these serializers.

A serializer checks which properties there are and their JSON types. The rules of a property (length, range, choices)
belong to the model, which refuses with a reason of its own; here they only describe the property.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, ClassVar, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.fields import empty

from foundation.ids import parse_uuid
from foundation.texts import is_storable
from foundation.times import iso_utc
from objects.authorship import AuthoredModel
from objects.changes import refusal

Values = dict[str, Any]


def as_id(value: object) -> UUID | None:
    """The UUID in `value` if it is one in the form `2faa728c-218d-4139-8aa1-8f033c60dd07`."""
    found = parse_uuid(value) if isinstance(value, str) else None
    return found if found is not None and str(found) == str(value).lower() else None


class TypedField(serializers.Field[Any, Any, Any, Any]):
    """A field that accepts one JSON type. Its column is its name in snake case unless `source` says otherwise."""

    json_type: ClassVar[type] = object
    expects: ClassVar[str]
    """Completes "The property must be …"."""
    schema: ClassVar[Mapping[str, str]] = {"type": "string"}
    """JSON Schema of a single value."""
    is_column: ClassVar[bool] = True
    """Whether `source` can be set on the model."""

    def bind(self, field_name: str, parent: Any) -> None:
        column = re.sub("(?=[A-Z])", "_", field_name).lower()
        if self.source is None and column != field_name:
            self.source = column
        super().bind(field_name, parent)

    def run_validation(self, data: Any = empty) -> Any:
        """Check the type. DRF's own method would also check lengths and ranges, which only describe the property."""
        is_final, data = self.validate_empty_values(data)
        return data if is_final else self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> Any:
        # `isinstance` would accept true as a number.
        if type(data) is not self.json_type:
            raise serializers.ValidationError(self.expects)
        return data

    def value_of(self, instance: Any) -> Any:
        """The property of `instance` as JSON has it."""
        return getattr(instance, str(self.source))

    def put(self, instance: Any, value: Any) -> None:
        """Set the property of `instance` to a JSON value of the right type."""
        setattr(instance, str(self.source), self.run_validation(value))

    def columns(self) -> list[str]:
        """The columns of the model that the property fills; those of an object are its properties' columns."""
        return [str(self.source)] if self.is_column and not self.read_only else []

    def parse(self, text: str) -> Any:
        """The value of a filter that a query string spells as `text`; None if the property cannot have it."""
        return text

    def is_present(self, value: object, present: object) -> bool:
        """Whether a client may send `value` for a read-only property that is `present`."""
        return value == present


class Text(TypedField, serializers.CharField):
    json_type, expects = str, "a string"

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": True, "trim_whitespace": False} | options)


class Choice(TypedField, serializers.ChoiceField):
    json_type, expects = str, "a string"

    @property
    def schema(self) -> Mapping[str, Any]:  # type: ignore[override]
        return {"type": "string", "enum": list(self.choices)}

    def parse(self, text: str) -> str | None:
        return text if text in self.choices else None


class Flag(TypedField, serializers.BooleanField):
    json_type, expects = bool, "true or false"
    schema = {"type": "boolean"}

    def parse(self, text: str) -> bool | None:
        return {"true": True, "false": False}.get(text)


class Number(TypedField, serializers.IntegerField):
    """A whole number that fits into a column."""

    json_type, expects = int, "a whole number"
    schema = {"type": "integer"}

    def to_internal_value(self, data: Any) -> int:
        number: int = super().to_internal_value(data)
        if abs(number) >= 2**31:
            raise serializers.ValidationError(self.expects)
        return number


class Measure(TypedField, serializers.FloatField):
    """A number, whole or not."""

    json_type, expects = float, "a number"
    schema = {"type": "number"}

    def to_internal_value(self, data: Any) -> float:
        return float(data if type(data) is float else Number().to_internal_value(data))


class Id(TypedField, serializers.UUIDField):
    json_type, expects = str, "an id"
    schema = {"type": "string", "format": "uuid"}

    def to_internal_value(self, data: Any) -> UUID:
        found = as_id(data)
        if found is None:
            raise serializers.ValidationError(self.expects)
        return found

    def value_of(self, instance: Any) -> str:
        return str(getattr(instance, str(self.source)))

    def parse(self, text: str) -> UUID | None:
        return as_id(text)


class ListOf(TypedField, serializers.ListField):
    """A list of strings or ids."""

    json_type, expects = list, "a list"

    def to_internal_value(self, data: Any) -> list[Any]:
        child: Any = self.child
        return [child.run_validation(entry) for entry in super().to_internal_value(data)]


class Moment(TypedField, serializers.DateTimeField):
    """A read-only time in UTC, ISO 8601 with `Z`."""

    schema = {"type": "string", "format": "date-time"}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"read_only": True} | options)

    def value_of(self, instance: Any) -> str | None:
        moment = getattr(instance, str(self.source))
        return None if moment is None else iso_utc(moment)

    def parse(self, text: str) -> datetime | None:
        try:
            found = parse_datetime(text)
            # The conversion refuses offsets that lead out of the calendar.
            return found and (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


class MovingMoment(Moment):
    """A time, or null, that changes without a change of the object, so a client may send back an earlier one."""

    def is_present(self, value: object, present: object) -> bool:
        if value is None or value == present:
            return True
        sent, now = (self.parse(time) if isinstance(time, str) else None for time in (value, present))
        return sent is not None and now is not None and sent < now


class StrictSerializer(TypedField, serializers.Serializer[Any]):
    """Refuses at once all properties that are unknown, of the wrong type, or read-only with another value than now.

    With `source="*"` a nested one describes several columns of the same object.
    """

    json_type, expects = dict, "an object"

    @cached_property
    def properties(self) -> Mapping[str, TypedField]:
        """The fields by name; all of them are `TypedField`s."""
        return cast("Mapping[str, TypedField]", self.fields)

    def run_validation(self, data: Any = empty) -> Any:
        return self.validate(super().run_validation(data))

    def to_internal_value(self, data: Any) -> Values:
        """The values by column.

        Raises:
            ValidationError: Django's, with an `InvalidField` + `field` for each fault.
        """
        if data is None:
            return dict.fromkeys(self.columns())
        # DRF turns an absent body into an empty `QueryDict`.
        if not isinstance(data, dict):
            raise serializers.ValidationError(self.expects)
        values: Values = {}
        faults: list[ValidationError] = []
        for name, value in data.items():
            try:
                self._read(name, value, values)
            except serializers.ValidationError:
                faults.append(invalid_field(name, f"The property must be {self.properties[name].expects}."))
            except ValidationError as fault:
                faults += fault.error_list
        if faults:
            raise ValidationError(faults)
        return values

    def _read(self, name: str, value: object, values: Values) -> None:
        field = self.properties.get(name)
        if field is None:
            raise invalid_field(name, "There is no such property.")
        if not field.read_only:
            self.set_value(values, field.source_attrs, field.run_validation(value))
        elif name not in self._present or not field.is_present(value, self._present[name]):
            raise invalid_field(name, "This property is read-only.")

    @cached_property
    def _present(self) -> Values:
        return {} if self.instance is None else self.to_representation(self.instance)

    @cached_property
    def _readers(self) -> Mapping[str, Callable[[Any], Any]]:
        """By property; `attrgetter` for plain columns, because lists render thousands of objects."""
        return {
            name: attrgetter(str(field.source)) if type(field).value_of is TypedField.value_of else field.value_of
            for name, field in self.properties.items()
            if not field.write_only
        }

    def to_representation(self, instance: Any) -> Values:
        return {name: read(instance) for name, read in self._readers.items()}

    def value_of(self, instance: Any) -> Any:
        return self.to_representation(instance)

    def put(self, instance: Any, value: Any) -> None:
        for column, each in self.run_validation(value).items():
            setattr(instance, column, each)

    def columns(self) -> list[str]:
        return [column for field in self.properties.values() for column in field.columns()]


_AUTHORSHIP = frozenset({"createdBy", "createdAt", "lastModifiedBy", "lastModified"})


class AuthoredSerializer(StrictSerializer):
    """What every object has. `Meta.model` is the model that `fill` creates instances of."""

    id = Id(read_only=True)
    createdBy = Text(read_only=True)
    createdAt = Moment()
    lastModifiedBy = Text(read_only=True)
    lastModified = Moment()

    def get_fields(self) -> dict[str, Any]:
        return dict(sorted(super().get_fields().items(), key=lambda item: item[0] in _AUTHORSHIP))

    @classmethod
    @cache
    def content(cls) -> Mapping[str, TypedField]:
        """The properties that clients write and read, by name; `default` is `rest_framework.fields.empty` if required.

        `field.value_of(instance)` reads a property as JSON and `field.put(instance, value)` sets it. A nested object
        (`StrictSerializer`) does both for all of its columns, and has the single properties in `properties`.
        """
        return {name: field for name, field in cls().properties.items() if not field.read_only and not field.write_only}

    def fill(self) -> Any:
        """The instance, or a new one, with the validated values; unless `partial`, the other columns get defaults.

        Saving is up to the caller: `objects.changes.save_checked` asks the rules.
        """
        model: type[AuthoredModel] = self.Meta.model  # type: ignore[attr-defined]
        instance = model() if self.instance is None else self.instance
        blank = model()
        for column in self.columns():
            if column in self.validated_data:
                setattr(instance, column, self.validated_data[column])
            elif not self.partial:
                setattr(instance, column, getattr(blank, column))
        return instance


def invalid_field(name: str, rule: str) -> ValidationError:
    """The refusal of a property; a name that no database can store is shown escaped."""
    return refusal("InvalidField", rule, field=name if is_storable(name) else ascii(name))
