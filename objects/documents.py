"""What the Elasticsearch documents of objects have in common. Imported only where there is an Elasticsearch."""

import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django_elasticsearch_dsl import Document
from django_elasticsearch_dsl.fields import DateField, KeywordField, LongField, TextField

from objects.authorship import AuthoredModel

LONGEST_KEYWORD = 1_000
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def exact_field(**options: Any) -> Any:
    """A value that is looked for as a whole, in small or capital letters."""
    return KeywordField(normalizer="lowercase", ignore_above=LONGEST_KEYWORD, **options)


def name_field(**options: Any) -> Any:
    """A text that is looked for as a whole (`….exact`) and by its words."""
    return TextField(fields={"exact": exact_field()}, **options)


def words_field(**options: Any) -> Any:
    """What is searched: the words of several properties, made ready by `searchable`."""
    return TextField(index_prefixes={"min_chars": 1, "max_chars": 10}, **options)


def searchable(values: Iterable[str]) -> str:
    """The words in `values` as they are searched: without accents, small, parted at every sign and underscore."""
    plain = " ".join(values)
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _BETWEEN_WORDS.sub(" ", plain.casefold()).strip()


def utc(time: datetime) -> str:
    """ISO 8601 in UTC, with `Z`."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


class AuthoredDocument(Document):  # type: ignore[misc]  # the library has no types
    """What every object has: its id, its authors, its times and its version."""

    id = KeywordField()
    createdBy = exact_field()
    createdAt = DateField()
    lastModifiedBy = exact_field()
    lastModified = DateField()
    version = LongField()

    @abstractmethod
    def rows(self) -> "QuerySet[Any]":
        """The objects with all that `prepare` needs."""

    def complete(self, instances: Sequence[Any]) -> None:
        """Bring along, for all of them at once, what else `prepare` needs."""

    def prepare_id(self, instance: AuthoredModel) -> str:
        """As text."""
        return str(instance.pk)

    def prepare_createdBy(self, instance: AuthoredModel) -> str:
        """The user name."""
        return instance.created_by

    def prepare_createdAt(self, instance: AuthoredModel) -> str:
        """In UTC."""
        return utc(instance.created_at)

    def prepare_lastModifiedBy(self, instance: AuthoredModel) -> str:
        """The user name."""
        return instance.last_modified_by

    def prepare_lastModified(self, instance: AuthoredModel) -> str:
        """In UTC."""
        return utc(instance.last_modified)
