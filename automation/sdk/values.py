"""Names with several values each: a query string, a form, the headers of a request."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

Default = TypeVar("Default")
GivenValues = Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str]]


class MultiValues:
    """Names with one or more values each, in the order in which they came. Cannot be changed.

    Created from a mapping (name to value or values) or from pairs of name and value.
    """

    def __init__(self, values: GivenValues = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, given in values.items() if isinstance(values, Mapping) else values:
            self._values.setdefault(self._key(name), []).extend([given] if isinstance(given, str) else given)

    @staticmethod
    def _key(name: str) -> str:
        """The spelling under which a name is kept and found."""
        return name

    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: Default) -> str | Default: ...
    def get(self, key: str, default: object = None) -> object:
        """The first value of `key`, or `default` if there is none."""
        values = self._values.get(self._key(key))
        return values[0] if values else default

    def get_all(self, key: str) -> list[str]:
        """All values of `key` in the order in which they were sent."""
        return list(self._values.get(self._key(key), ()))

    def keys(self) -> list[str]:
        """The names, each once, in the order in which they were first sent."""
        return list(self._values)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._key(key) in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiValues) and type(self) is type(other) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"


class QueryParameters(MultiValues):
    """The parameters of a query string: case-sensitive names, blank values included."""


class FormValues(MultiValues):
    """The fields of a form: case-sensitive names, blank values included."""


class RequestHeaders(MultiValues):
    """The headers of a request: names are case-insensitive, and listed in title case (`X-Github-Event`)."""

    @staticmethod
    def _key(name: str) -> str:
        return name.title()
