"""What a run keeps of its request and its response: masked, at most 64 KB, and filled in again for a replay."""

import codecs
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import quote_plus

import msgspec

from fleet import body_masks, json_masks
from fleet.body_masks import ERRORS, MaskedBody
from fleet.masks import Place, ValueKind, mask_of, merged
from foundation.value_masks import MASK, ValueMasks

LARGEST_KEPT_BODY = 64 * 1024
LARGEST_KEPT_PAIRS = 16 * 1024
"""Bytes of names and values that are kept of the headers, and of the query."""

LONGEST_CONTENT_TYPE = 1_024
MOST_LISTED = 100
"""Masked places beyond this number are only counted."""

Pairs = list[tuple[str, str]]
Where = Literal["query", "header", "body"]


class MaskedValue(msgspec.Struct, omit_defaults=True, frozen=True):
    """Where something is masked.

    `name` is for people: that of the parameter, header or field, a JSON pointer, or empty. `at` is the index of the
    query parameter or header, or of the mask's first character in the body, which is decoded with `surrogateescape`.
    """

    where: Where
    name: str
    at: int
    kind: ValueKind = ValueKind.TEXT


class KeptRequest(msgspec.Struct, omit_defaults=True):
    """A request as a run keeps it. `body` is None if it is not UTF-8, and then in `binary`.

    `is_cut`: something is missing. `unlisted` is the number of masked places that are not in `masked`.
    """

    query: Pairs = []
    headers: Pairs = []
    content_type: str = ""
    body: str | None = ""
    binary: bytes = b""
    is_cut: bool = False
    masked: list[MaskedValue] = []
    unlisted: int = 0


class KeptResponse(msgspec.Struct, omit_defaults=True):
    """A response as a run keeps it; the fields mean the same as those of `KeptRequest`."""

    code: int
    headers: dict[str, list[str]] = {}
    is_text: bool = True
    body: str | None = ""
    binary: bytes = b""
    is_cut: bool = False
    masked: list[MaskedValue] = []
    unlisted: int = 0


class FilledRequest(NamedTuple):
    """A kept request with all of its values, to be sent again."""

    query: Pairs
    headers: Pairs
    body: bytes


class NotFilledError(ValueError):
    """A kept request cannot be sent again like this. `number` is that of the value at fault, if it is one."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.number = number


class _KeptPairs(NamedTuple):
    pairs: Pairs
    masked: list[MaskedValue]
    is_cut: bool


def keep_request(query: Iterable[tuple[str, str]], headers: Pairs, body: bytes, content_type: str) -> KeptRequest:
    """The request, masked and cut. Of the body, at most the first 64 KB are looked at."""
    masks = ValueMasks()
    kept_body = _keep_body(body, content_type, masks)
    return _request(_keep_pairs(query, "query", masks), _keep_pairs(headers, "header", masks), kept_body, content_type)


def masked_kept_request(request: bytes, masks: ValueMasks) -> bytes:
    """What is kept of a request, as JSON, with the values of `masks` masked, too. A replay asks for them.

    The web server has masked and cut it, and knows no values: what may be the first part of one is cut off.
    """
    if not (request and masks):
        return request
    kept = msgspec.json.decode(request, type=KeptRequest)
    text = kept.binary.decode(errors=ERRORS) if kept.body is None else kept.body
    if kept.is_cut:
        text = text[: masks.settled(text)]
    places = merged(_places_of(kept, len(text), masks), body_masks.places(text, kept.content_type, masks))
    again = _request(
        _keep_pairs(kept.query, "query", masks, _hidden(kept, "query")),
        _keep_pairs(kept.headers, "header", masks, _hidden(kept, "header")),
        body_masks.with_masks(text, places, LARGEST_KEPT_BODY),
        masks.text(kept.content_type),
    )
    again.is_cut, again.unlisted = again.is_cut or kept.is_cut, again.unlisted + kept.unlisted
    return msgspec.json.encode(again)


def keep_response(
    code: int, headers: Mapping[str, Sequence[str]], body: bytes, is_text: bool, masks: ValueMasks | None = None
) -> KeptResponse:
    """The response, masked and cut. Of the body, at most the first 64 KB are looked at."""
    masks = masks or ValueMasks()
    kept = _keep_pairs(((name, value) for name, values in headers.items() for value in values), "header", masks)
    kept_headers: dict[str, list[str]] = {}
    for name, value in kept.pairs:
        kept_headers.setdefault(name, []).append(value)
    types = [value for name, values in headers.items() if name.lower() == "content-type" for value in values]
    kept_body = _keep_body(body, next(iter(types), ""), masks)
    text, binary = _text_or_bytes(kept_body.data)
    masked = [*kept.masked, *map(_listed, kept_body.masked)]
    return KeptResponse(
        code=code,
        headers=kept_headers,
        is_text=is_text,
        body=text,
        binary=binary,
        is_cut=kept.is_cut or kept_body.is_cut,
        masked=masked[:MOST_LISTED],
        unlisted=len(masked[MOST_LISTED:]),
    )


def fill(kept: KeptRequest, values: Sequence[str]) -> FilledRequest:
    """The request with these values in the masked places, in the order of `masked`.

    Raises:
        NotFilledError: the request was cut, or has too many masked places, there is another number of values, or a
            value that was no string in JSON is not valid JSON.
    """
    if kept.is_cut or kept.unlisted:
        raise NotFilledError("The request was not kept as a whole.")
    if len(values) != len(kept.masked):
        raise NotFilledError(f"{len(kept.masked)} values are masked.")
    query, headers = list(kept.query), list(kept.headers)
    body = kept.binary.decode(errors=ERRORS) if kept.body is None else kept.body
    parts, done = [], 0
    for number, (place, value) in enumerate(zip(kept.masked, values, strict=True)):
        if place.where == "body":
            parts += [body[done : place.at], _written(value, place.kind, number)]
            done = place.at + len(mask_of(place.kind))
        else:
            pairs = query if place.where == "query" else headers
            pairs[place.at] = (pairs[place.at][0], value)
    return FilledRequest(query, headers, "".join([*parts, body[done:]]).encode(errors=ERRORS))


def _written(value: str, kind: ValueKind, number: int) -> str:
    """The value as it stands in the body."""
    try:
        if kind is ValueKind.JSON_STRING:
            return msgspec.json.encode(value).decode()
        if kind is ValueKind.JSON:
            msgspec.json.decode(value, type=msgspec.Raw)
        return quote_plus(value) if kind is ValueKind.FORM else value
    except (ValueError, RecursionError) as error:
        raise NotFilledError("The value is not valid.", number) from error


def _request(query: _KeptPairs, headers: _KeptPairs, body: MaskedBody, content_type: str) -> KeptRequest:
    text, binary = _text_or_bytes(body.data)
    masked = [*query.masked, *headers.masked, *map(_listed, body.masked)]
    return KeptRequest(
        query=query.pairs,
        headers=headers.pairs,
        content_type=_cut(content_type, LONGEST_CONTENT_TYPE),
        body=text,
        binary=binary,
        is_cut=query.is_cut or headers.is_cut or body.is_cut or len(content_type) > LONGEST_CONTENT_TYPE,
        masked=masked[:MOST_LISTED],
        unlisted=len(masked[MOST_LISTED:]),
    )


def _listed(place: Place) -> MaskedValue:
    return MaskedValue("body", place.name, place.start, place.kind)


def _places_of(kept: KeptRequest, size: int, masks: ValueMasks) -> Iterator[Place]:
    """Where the first characters of a kept body have masks."""
    for value in kept.masked:
        if value.where == "body" and value.at < size:
            plain = value.name.replace("~1", "/").replace("~0", "~")
            # A long name was cut, perhaps in the middle of a value.
            is_open = len(plain) < json_masks.LONGEST_NAME and not masks.finds(plain)
            yield Place(value.at, value.at + len(mask_of(value.kind)), value.name if is_open else "", value.kind)


def _hidden(kept: KeptRequest, where: Where) -> set[int]:
    return {value.at for value in kept.masked if value.where == where}


def _keep_pairs(
    pairs: Iterable[tuple[str, str]], where: Where, masks: ValueMasks, hidden: Container[int] = ()
) -> _KeptPairs:
    """The pairs until there is no room left for the next one, or its name has a value in it. `hidden` are masked."""
    kept: Pairs = []
    masked: list[MaskedValue] = []
    room = LARGEST_KEPT_PAIRS
    for at, (name, value) in enumerate(pairs):
        hides = at in hidden or json_masks.is_masked(name, value[:LARGEST_KEPT_PAIRS]) or masks.finds(value)
        shown = MASK if hides else value
        if (room := room - _size(name, room) - _size(shown, room)) < 0 or masks.finds(name):
            return _KeptPairs(kept, masked, is_cut=True)
        if hides:
            masked.append(MaskedValue(where, _cut(name, json_masks.LONGEST_NAME), at))
        kept.append((_cut(name, LARGEST_KEPT_PAIRS), _cut(shown, LARGEST_KEPT_PAIRS)))
    return _KeptPairs(kept, masked, is_cut=False)


def _size(text: str, most: int) -> int:
    """Bytes of a text; of a longer one than `most`, more than that."""
    return len(text) if len(text) > most else len(text.encode(errors="replace"))


def _cut(text: str, size: int) -> str:
    """The first characters, in so many bytes at most; a lone surrogate becomes `?`."""
    return text[:size].encode(errors="replace")[:size].decode(errors="ignore")


def _keep_body(body: bytes, content_type: str, masks: ValueMasks) -> MaskedBody:
    is_whole = len(body) <= LARGEST_KEPT_BODY
    text = codecs.utf_8_decode(body[:LARGEST_KEPT_BODY], ERRORS, is_whole)[0]
    if not is_whole:
        text = text[: masks.settled(text)]
    kept = body_masks.with_masks(text, body_masks.places(text, content_type, masks), LARGEST_KEPT_BODY)
    return kept if is_whole else kept._replace(is_cut=True)


def _text_or_bytes(data: bytes) -> tuple[str | None, bytes]:
    """The text; None if it is not UTF-8, and then its bytes."""
    try:
        return data.decode(), b""
    except UnicodeDecodeError:
        return None, data
