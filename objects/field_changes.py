"""What a save changes, field by field: the former value and the new one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self
from uuid import UUID

from django.db import models

LONGEST_TEXT: Final = 200
MOST_ENTRIES: Final = 100


@dataclass(frozen=True)
class FieldChange:
    """A field with the value that it had and the one that it gets; a hidden one has neither."""

    field: str
    before: Any = None
    after: Any = None

    @classmethod
    def of_set(cls, field: str, before: Collection[Any], after: Collection[Any]) -> Self | None:
        """The change of a field whose values have no order, without those that stay; None if all do."""
        gone, new = set(before) - set(after), set(after) - set(before)
        return cls(field, sorted(gone, key=str), sorted(new, key=str)) if gone or new else None

    def as_json(self) -> dict[str, Any]:
        """`field`, `before` and `after`; long texts are cut, and of long lists `leftOut` counts the rest."""
        values = {"before": self.before, "after": self.after}
        lists = {side: value for side, value in values.items() if isinstance(value, list | tuple)}
        left_out = {side: len(value) - MOST_ENTRIES for side, value in lists.items() if len(value) > MOST_ENTRIES}
        shown = {side: _plain(value) for side, value in values.items()}
        return {"field": self.field, **shown, **({"leftOut": left_out} if left_out else {})}


class LinkedRows(Protocol):
    """Rows of another table that are saved together with an object."""

    def change(self) -> FieldChange | None:
        """What storing them changes."""

    def store(self) -> None:
        """Make the stored rows these."""


def column_changes(
    instance: models.Model, stored: Mapping[str, Any], but: Collection[str] = ()
) -> Iterator[FieldChange]:
    """The fields that users fill in and whose value in `instance` is not the one in `stored`, by column."""
    for field in instance._meta.concrete_fields:
        if not field.editable or field.attname not in stored or field.name in but:
            continue
        before, after = stored[field.attname], getattr(instance, field.attname)
        if hasattr(after, "resolve_expression"):
            # Only the database knows what it makes of an expression.
            yield FieldChange(field.name)
        elif before != (after := field.to_python(after)):
            yield FieldChange(field.name, before, after)


def _plain(value: Any) -> Any:
    match value:
        case bool() | int() | float() | None:
            return value
        case list() | tuple():
            return [_plain(each) for each in value[:MOST_ENTRIES]]
        case UUID():
            return str(value)
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def as_json(changes: Sequence[FieldChange]) -> list[dict[str, Any]]:
    return [change.as_json() for change in changes]
