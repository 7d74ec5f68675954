"""What the Elasticsearch documents of objects have in common. Only processes with `ELASTICSEARCH_URL` import them.

Mapping and content derive from the object's serializer. A document class declares only properties of its own, and those
that need a mapping other than that of their type.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django_elasticsearch_dsl import Document
from django_elasticsearch_dsl.fields import (
    BooleanField,
    DateField,
    DoubleField,
    IntegerField,
    KeywordField,
    LongField,
    ObjectField,
    TextField,
)
from elasticsearch import dsl
from rest_framework.utils.field_mapping import ClassLookupDict

from objects.serializers import (
    AuthoredSerializer,
    Flag,
    Measure,
    Moment,
    MovingMoment,
    Number,
    StrictSerializer,
    Text,
    TypedField,
)

Properties = Mapping[str, TypedField]

AUTHORS = frozenset({"createdBy", "lastModifiedBy"})
LONGEST_KEYWORD = 1_000
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def exact_field() -> Any:
    """Found as a whole, in small or capital letters."""
    return KeywordField(normalizer="lowercase", ignore_above=LONGEST_KEYWORD)


def name_field() -> Any:
    """Found by its words, and as a whole by its sub-field `exact`."""
    return TextField(fields={"exact": exact_field()})


def words_field() -> Any:
    """Words for searches, as `searchable` makes them: found whole or by their beginning."""
    return TextField(index_prefixes={"min_chars": 1, "max_chars": 10})


def searchable(values: Iterable[str]) -> str:
    """The words in `values` without accents, in small letters, separated at every sign and underscore."""
    plain = " ".join(values)
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _BETWEEN_WORDS.sub(" ", plain.casefold()).strip()


# Other types are ids and choices; a list has the type of its entries.
_MAPPINGS: Any = ClassLookupDict(
    {
        Flag: BooleanField,
        Number: IntegerField,
        Measure: DoubleField,
        Moment: DateField,
        Text: TextField,
        TypedField: KeywordField,
    }
)


def mapped(field: TypedField) -> Any:
    """The mapping of a property by its type."""
    if isinstance(field, StrictSerializer):
        return ObjectField(properties={name: mapped(each) for name, each in field.properties.items()})
    return _MAPPINGS[field]()


def serialized(serializer: type[AuthoredSerializer], *, lifted: Sequence[str] = ()) -> Properties:
    """The properties that a document has from a serializer.

    `lifted` names nested objects whose properties the document has at its top level.
    """
    found: dict[str, TypedField] = {}
    for name, field in serializer().properties.items():
        if name in lifted and isinstance(field, StrictSerializer):
            found |= field.properties
        # A value that changes without a change of the object would never be written again.
        elif not (field.write_only or isinstance(field, MovingMoment)):
            found[name] = field
    return found


def derived(properties: Properties) -> Any:
    """The mapping of these properties by their types, for `Meta.mapping`; fields of the document class come first."""
    mapping = dsl.Mapping()
    for name in properties.keys() - AUTHORS:
        mapping.field(name, mapped(properties[name]))
    return mapping


class AuthoredDocument(Document):  # type: ignore[misc]  # the library has no types
    """The document of an object."""

    serialized: ClassVar[Properties] = {}

    createdBy = exact_field()
    lastModifiedBy = exact_field()
    version = LongField()

    def init_prepare(self) -> list[tuple[str, Any, Callable[[Any], Any]]]:
        """How `prepare` reads each property: by `prepare_<property>`, otherwise as the serializer does."""
        names = self._index.to_dict()["mappings"]["properties"]
        return [
            (name, None, getattr(self, f"prepare_{name}", None) or self.serialized[name].value_of) for name in names
        ]

    def rows(self) -> "QuerySet[Any]":
        """The objects with everything that `prepare` needs."""
        raise NotImplementedError

    def complete(self, instances: Sequence[Any]) -> None:
        """Read what else `prepare` needs, for all objects at once."""

    def prepare_version(self, instance: Any) -> int:
        return int(instance.revision)
