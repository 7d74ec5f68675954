"""Routes: which are valid, which conflict, and how a request's path is read. Pure functions.

A route has a *signature*, in which placeholders are `{}` and literals are casefolded: `Encoders/{id}` →
`/encoders/{}`. Two routes with the same signature match exactly the same paths.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from urllib.parse import unquote_to_bytes

from django.utils.translation import gettext as _

PREFIX = "api/custom/"
LONGEST_WITH_PREFIX = 260
LONGEST = LONGEST_WITH_PREFIX - len(PREFIX)
MOST_SEGMENTS = (LONGEST + 1) // 2
PLACEHOLDER = "{}"

_FORBIDDEN = frozenset("/\\:<>*?#%")
_FORBIDDEN_IN_NAME = frozenset("/{}?*:=")
# A slash and the control characters.
_NO_SEGMENT = re.compile(r"[/\x00-\x1f\x7f-\x9f]")


class InvalidRouteError(ValueError):
    """The message says which rule the route breaks."""


def parse(route: str) -> tuple[str, ...]:
    """The segments of `route` in NFC.

    Raises:
        InvalidRouteError: it breaks a rule of routes.
    """
    route = unicodedata.normalize("NFC", route)
    if not route:
        raise InvalidRouteError(_("The route is empty."))
    if len(route) > LONGEST:
        rule = _("%(prefix)s and the route together have more than %(most)d characters.")
        raise InvalidRouteError(rule % {"prefix": PREFIX, "most": LONGEST_WITH_PREFIX})
    segments = tuple(route.split("/"))
    for segment in segments:
        _check_segment(segment)
    names = [segment for segment in segments if is_placeholder(segment)]
    if len(set(names)) != len(names):
        raise InvalidRouteError(_("The route has two placeholders of the same name."))
    return segments


def _check_segment(segment: str) -> None:
    if not segment:
        raise InvalidRouteError(_("The route has an empty segment or a slash at its beginning or end."))
    if segment in {".", ".."}:
        raise InvalidRouteError(_("The route has a segment . or .. in it."))
    for character in segment:
        if character in _FORBIDDEN or character.isspace() or unicodedata.category(character) in {"Cc", "Cs"}:
            raise InvalidRouteError(_("The route has white space, a control character or one of \\ : < > * ? # %."))
    if is_placeholder(segment):
        _check_name(segment[1:-1])
    elif "{" in segment or "}" in segment:
        raise InvalidRouteError(_("Braces are for a placeholder that is a whole segment, as in {id}."))


def _check_name(name: str) -> None:
    if not name:
        raise InvalidRouteError(_("A placeholder needs a name, as in {id}."))
    if _FORBIDDEN_IN_NAME & set(name):
        raise InvalidRouteError(_("The name of a placeholder has one of / { } ? * : = in it."))


def is_placeholder(segment: str) -> bool:
    return len(segment) >= len(PLACEHOLDER) and segment[0] == "{" and segment[-1] == "}"


def literal(text: str) -> str:
    """`text` in the form in which literals are compared: casefolded after NFC."""
    return unicodedata.normalize("NFC", text).casefold()


def signature(segments: tuple[str, ...]) -> str:
    """Equal for two routes exactly when they match the same paths."""
    return "".join(f"/{PLACEHOLDER if is_placeholder(part) else literal(part)}" for part in segments)


def shape(segments: tuple[str, ...]) -> str:
    """`1` for each literal and `0` for each placeholder.

    Among the routes that match a path, the one with the most literals wins, then the one with the greatest shape, whose
    literals are further left. A static route is all ones, so it beats every dynamic one.
    """
    return "".join("0" if is_placeholder(part) else "1" for part in segments)


def overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether both routes match some common path."""
    if len(one) != len(other):
        return False
    pairs = zip(one, other, strict=True)
    return all(is_placeholder(a) or is_placeholder(b) or literal(a) == literal(b) for a, b in pairs)


def beats(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the first route answers a path that both match."""
    a, b = shape(one), shape(other)
    return (a.count("1"), a) > (b.count("1"), b)


def prefixes(route_signature: str) -> Iterator[str]:
    """The signature of each prefix of a route, itself included: `/a`, `/a/{}` …"""
    return accumulate(f"/{part}" for part in route_signature.split("/")[1:])


def request_segments(raw_path: str) -> tuple[str, ...] | None:
    """The segments of a request's raw path, each percent-decoded once; repeated and closing slashes are dropped.

    None when a segment can match nothing: `.`, `..`, or one that decodes to a slash, a control character or invalid
    UTF-8.
    """
    decoded = []
    for raw in filter(None, raw_path.split("/")):
        try:
            segment = unquote_to_bytes(raw.encode("latin-1", "replace")).decode()
        except UnicodeDecodeError:
            return None
        if segment in {".", ".."} or _NO_SEGMENT.search(segment):
            return None
        decoded.append(segment)
    return tuple(decoded)


def may_match_literal(segment: str) -> bool:
    """Whether a request's segment can equal a literal: a client's `{}` must not match as a placeholder."""
    return "{" not in segment and "}" not in segment


def captured(route: str, segments: tuple[str, ...]) -> dict[str, str]:
    """The route parameters: name of a placeholder → the request's segment, in its own case."""
    pairs = zip(route.split("/"), segments, strict=True)
    return {part[1:-1]: segment for part, segment in pairs if is_placeholder(part)}


def matches(route: str, segments: tuple[str, ...]) -> bool:
    """Whether the route matches a request's segments, whatever other routes there are."""
    parts = route.split("/")
    if len(parts) != len(segments):
        return False
    pairs = zip(parts, segments, strict=True)
    return all(is_placeholder(part) or literal(part) == literal(segment) for part, segment in pairs)


def with_values(given: str) -> tuple[str, tuple[str, ...]]:
    """A route in which each placeholder has its value, as in `encoders/{id=7}`: the route, and the segments as called.

    Raises:
        InvalidRouteError: it breaks a rule of routes, or lacks a value.
    """
    parts = [_with_value(part) for part in given.split("/")]
    route, called = "/".join(part for part, _ in parts), tuple(segment for _, segment in parts)
    parse(route)
    return route, called


def _with_value(part: str) -> tuple[str, str]:
    name, _, value = part[1:-1].partition("=")
    if not is_placeholder(part):
        return part, part
    if not value:
        raise InvalidRouteError(f"Say what a caller sends for {part}, as in {{{name}=7}}.")
    return f"{{{name}}}", value
