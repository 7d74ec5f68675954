"""What the form of *Run again…* starts with, and the request that follows from what the user sends.

Masked values of query and headers are fields of their own in their place. In the body each has a mark, which the user
may move with the text around it; the values take the places of the marks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import quote_plus, unquote_plus

import msgspec

from console.run_actions.wire import Pairs
from fleet.kept_bodies import KeptRequest, MaskedValue, NotFilledError, fill
from fleet.masks import ValueKind
from foundation.value_masks import MASK
from runs.user_requests import scripts_headers

# Marks may overlap. A body is too small for as many as have more digits.
_MARK = re.compile(rf"(?={MASK}(\d{{1,6}}){MASK})", re.ASCII)


@dataclass(frozen=True)
class SentPair:
    """A query parameter or a header. The value of a masked one is for the user to enter."""

    name: str
    value: str
    is_masked: bool


@dataclass(frozen=True)
class RequestDraft:
    """`marks` holds the name of each masked value of the body, and its mark as it stands there.

    `kept_bytes` is the size of a body that is not text; such a body cannot be edited, but sent as it was kept.
    """

    query: Sequence[SentPair] = ()
    headers: Sequence[SentPair] = ()
    body: str = field(default="", repr=False)
    marks: Sequence[tuple[str, str]] = ()
    kept_bytes: int | None = None


def draft_of(kept: KeptRequest) -> RequestDraft | None:
    """The form for what was kept; None if it was not kept as a whole, or its body is bytes with masked values."""
    if kept.is_cut or kept.unlisted or (kept.body is None and _of_body(kept)):
        return None
    first = _first_number(kept)
    numbers = count(first)
    values = [_quoted(place.kind, next(numbers)) if place.where == "body" else "" for place in kept.masked]
    marks = [(place.name, _written(place.kind, number)) for number, place in enumerate(_of_body(kept), first)]
    sent_again = dict(scripts_headers(kept.headers))
    query = _pairs(kept.query, kept.masked, "query")
    headers = [pair for pair in _pairs(kept.headers, kept.masked, "header") if pair.name in sent_again]
    if kept.body is None:
        return RequestDraft(query, headers, kept_bytes=len(kept.binary))
    return RequestDraft(query, headers, fill(kept, values).body.decode(), marks)


def _of_body(kept: KeptRequest) -> list[MaskedValue]:
    return [place for place in kept.masked if place.where == "body"]


def _first_number(kept: KeptRequest) -> int:
    """The number of the first mark: a caller may have sent a text that looks like one, and gets no value for it."""
    body = kept.body or ""
    sent = {int(number) for text in (body, unquote_plus(body)) for number in _MARK.findall(text)}
    size = len(_of_body(kept))
    return next(number for number in count(1) if sent.isdisjoint(range(number, number + size)))


def _mark(number: int) -> str:
    return f"{MASK}{number}{MASK}"


def _quoted(kind: ValueKind, number: int) -> str:
    """The mark as a value that `fill` takes: any other value than a string must be JSON."""
    return f'"{_mark(number)}"' if kind is ValueKind.JSON else _mark(number)


def _pairs(kept: Pairs, masked: Sequence[MaskedValue], where: str) -> list[SentPair]:
    hidden = {place.at for place in masked if place.where == where}
    return [SentPair(name, "" if at in hidden else value, at in hidden) for at, (name, value) in enumerate(kept)]


def filled_body(kept: KeptRequest, body: str, values: Sequence[str]) -> str:
    """The edited body with the values in the places of the marks; a mark that is gone needs no value.

    Raises:
        NotFilledError: there is another number of values, a value is missing, or is not valid JSON where it must be.
    """
    places = _of_body(kept)
    if len(values) != len(places):
        raise NotFilledError(f"{len(places)} values are masked.")
    first = _first_number(kept)
    for index, (place, value) in enumerate(zip(places, values, strict=True)):
        mark = _written(place.kind, first + index)
        if mark in body:
            body = body.replace(mark, _value(place.kind, value, index))
    return body


def _written(kind: ValueKind, number: int) -> str:
    """The mark as it stands in the body."""
    mark = _mark(number)
    if kind in (ValueKind.JSON, ValueKind.JSON_STRING):
        return f'"{mark}"'
    return quote_plus(mark) if kind is ValueKind.FORM else mark


def _value(kind: ValueKind, value: str, number: int) -> str:
    if not value:
        raise NotFilledError("Enter the masked values.", number)
    if kind is ValueKind.JSON_STRING:
        return msgspec.json.encode(value).decode()
    if kind is ValueKind.JSON and not _is_json(value):
        raise NotFilledError("The value is not valid JSON.", number)
    return quote_plus(value) if kind is ValueKind.FORM else value


def _is_json(value: str) -> bool:
    try:
        msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return False
    return True
