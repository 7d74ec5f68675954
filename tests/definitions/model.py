"""The rules of routes again, naive and slow, written from the contract alone as a reference."""

import functools
import unicodedata
from collections.abc import Iterable, Sequence


def is_dynamic(part: str) -> bool:
    return part.startswith("{") and part.endswith("}")


def equal(literal: str, segment: str) -> bool:
    """Case-insensitively: casefold after NFC."""
    return _folded(literal) == _folded(segment)


def matches(route: str, segments: Sequence[str]) -> bool:
    parts = route.split("/")
    if len(parts) != len(segments):
        return False
    return all(is_dynamic(part) or equal(part, segment) for part, segment in zip(parts, segments, strict=True))


def conflict(one: str, other: str) -> bool:
    """Whether two routes match exactly the same paths."""
    ones, others = one.split("/"), other.split("/")
    return len(ones) == len(others) and all(
        is_dynamic(a) and is_dynamic(b) if is_dynamic(a) or is_dynamic(b) else equal(a, b)
        for a, b in zip(ones, others, strict=True)
    )


def winner(routes: Iterable[str], segments: Sequence[str]) -> str | None:
    """The route that answers a request with these segments."""
    candidates = [route for route in routes if matches(route, segments)]
    return min(candidates, key=functools.cmp_to_key(_order), default=None)


def parameters(route: str, segments: Sequence[str]) -> dict[str, str]:
    pairs = zip(route.split("/"), segments, strict=True)
    return {part.strip("{}"): segment for part, segment in pairs if is_dynamic(part)}


def _order(one: str, other: str) -> int:
    """Negative when `one` beats `other`."""
    ones, others = one.split("/"), other.split("/")
    literals, other_literals = (sum(not is_dynamic(part) for part in parts) for parts in (ones, others))
    # A static route has literals only, so it has more of them than any dynamic one that matches the same path.
    if literals != other_literals:
        return other_literals - literals
    for a, b in zip(ones, others, strict=True):
        if is_dynamic(a) != is_dynamic(b):
            return 1 if is_dynamic(a) else -1
    raise AssertionError(f"{one} and {other} conflict")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
