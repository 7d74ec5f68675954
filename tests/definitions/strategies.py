"""Routes and requests for property tests."""

import unicodedata
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_FORBIDDEN = "/\\:<>*?#%{}"

# All examples share one `db` fixture: `undone` rolls back what an example creates.
in_database: Any = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def undone():
    """Roll back what is written meanwhile."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _is_allowed(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in {"Cc", "Cs"} and character not in _FORBIDDEN and not character.isspace()


allowed_characters = st.characters(exclude_categories=["Cc", "Cs"]).filter(_is_allowed)

# Characters that differ, or do not, only after NFC and casefolding; few, so that they collide.
_TRICKY = [
    "a",
    "A",
    "b",
    "ß",
    "ss",
    "SS",
    "ẞ",
    "é",
    "e\u0301",
    "É",
    "İ",
    "i\u0307",
    "ŉ",
    "\u02bcn",
    "\u212a",
    "k",
    "😀",
]
tricky_literals = st.sampled_from(_TRICKY)
any_literals = st.text(allowed_characters, min_size=1, max_size=12).filter(lambda text: text not in {".", ".."})


@st.composite
def routes(draw, literals=tricky_literals, most=4):
    """A valid route with up to `most` segments, in NFC."""
    count = draw(st.integers(1, most))
    parts = [f"{{p{n}}}" if draw(st.booleans()) else draw(literals) for n in range(count)]
    return unicodedata.normalize("NFC", "/".join(parts))


@st.composite
def requests_for(draw, route, values):
    """Segments that `route` matches, with literals in another case where there is one."""
    segments = []
    for part in route.split("/"):
        if part.startswith("{"):
            segments.append(draw(values))
        else:
            segments.append(draw(st.sampled_from([part, unicodedata.normalize("NFD", part), *_other_cases(part)])))
    return tuple(segments)


def _other_cases(text: str) -> list[str]:
    return [other for other in (text.upper(), text.lower()) if _same(other, text)]


def _same(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other).casefold()


# A request's segment may contain what a route may not: white space, braces, a percent sign.
segments = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=8)
request_values = st.one_of(segments, st.sampled_from(["{}", "{p0}", "%2F", " ", "a%", "*", "..."])).filter(
    lambda text: text not in {".", ".."}
)
