"""The response that a script returns."""

from dataclasses import dataclass, field
from typing import Self

from automation.sdk.serialization import json_text
from automation.sdk.status_codes import StatusCode


class ResponseHeaders:
    """The headers of a response. Names are case-insensitive; the first spelling of a name is kept."""

    def __init__(self) -> None:
        self._headers: dict[str, tuple[str, list[str]]] = {}

    def add(self, name: str, *values: str) -> None:
        """Append `values` to those of `name`."""
        if values:
            self._headers.setdefault(name.lower(), (name, []))[1].extend(values)

    def set(self, name: str, *values: str) -> None:
        """Replace the values of `name`; without `values`, remove the header."""
        spelling, _ = self._headers.pop(name.lower(), (name, []))
        self.add(spelling, *values)

    def as_dict(self) -> dict[str, list[str]]:
        """A copy: name to values, in the order in which the names were added."""
        return {name: list(values) for name, values in self._headers.values()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResponseHeaders) and self._headers == other._headers

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ResponseHeaders({self.as_dict()!r})"


@dataclass
class ApiTriggerOutput:
    """The response to the caller.

    `response_code` is from 200 to 599. `response_body_bytes` is sent instead of `response_body` unless it is None.
    A body has at most 30 MB (30 * 1024 * 1024 bytes, text counted as UTF-8). The platform checks this, not the class.
    """

    response_code: int = StatusCode.OK
    response_body: str = ""
    response_body_bytes: bytes | None = None
    response_headers: ResponseHeaders = field(default_factory=ResponseHeaders)

    @classmethod
    def json(cls, value: object, code: int = StatusCode.OK) -> Self:
        """The response with `value` as JSON, and the default content type, `application/json`.

        `value` is a dict, list or tuple, text, a number, a bool, None, a dataclass, a model of pydantic, a datetime,
        date or time (ISO 8601, UTC as `Z`), a UUID, a Decimal (as text, which loses nothing) or an Enum (its value),
        and so is whatever it contains. Keys are text; Enum, int, bool, UUID, date and time become text.

        Raises:
            TypeError: `value` contains something else (bytes, a set, …); the message names the place, `$.items[0].x`.
            ValueError: JSON cannot express it: NaN, Infinity, a lone surrogate, a value within itself, equal keys.
        """
        return cls(response_code=code, response_body=json_text(value))
