"""What differs between two sources, line by line, for a page that shows them side by side."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

CONTEXT: Final = 3
"""How many unchanged lines stay visible around a change."""

MOST_COMPARED: Final = 10_000
"""Lines of a source, apart from what both begin and end with, up to which it is compared line by line."""

MOST_SHOWN: Final = 5_000
"""Changed lines that a page shows; also the unchanged ones that can be unfolded at one place."""

LONGEST_LINE: Final = 1_000
"""Longer lines are not compared word by word."""

PATIENCE_SECONDS: Final = 1.5
"""After this, what is left is shown as replaced."""

_ALIKE: Final = 0.4
_WORD: Final = re.compile(r"\w+|\s+|.", re.DOTALL)

Pieces = Sequence[tuple[str, bool]]
"""A line in pieces: the text, and whether it differs from the other line."""


@dataclass(frozen=True)
class ComparedLine:
    """A line of either source, or of both; numbers count from 1."""

    old_number: int | None
    old: Pieces
    new_number: int | None
    new: Pieces

    @property
    def is_same(self) -> bool:
        return self.old_number is not None and self.new_number is not None and self.old == self.new


@dataclass(frozen=True)
class Stretch:
    """Rows that stand together; folded ones are unchanged."""

    rows: Sequence[ComparedLine]
    is_folded: bool = False
    hidden: int = 0
    """How many unchanged lines here are too many to show."""


@dataclass(frozen=True)
class Difference:
    """Two sources side by side."""

    stretches: Sequence[Stretch]
    added: int
    removed: int
    is_rough: bool
    """Whether the sources were too large to be compared line by line."""
    left_out: int
    """How many rows of changes there are beyond those shown."""


class _TooSlowError(Exception):
    """The comparison has taken too long."""


class _Clock:
    """Raises once the time is over."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._ends

    def check(self) -> None:
        if self.is_over:
            raise _TooSlowError


class _TimedMatcher(SequenceMatcher[str]):
    """A matcher that looks at the clock before each of its steps."""

    def __init__(self, clock: _Clock, old: Sequence[str], new: Sequence[str]) -> None:
        self._clock = clock
        super().__init__(None, old, new)

    def find_longest_match(self, *args: Any, **kwargs: Any) -> Any:
        self._clock.check()
        return super().find_longest_match(*args, **kwargs)


Block = tuple[str, int, int, int, int]


def difference(old: str, new: str, seconds: float = PATIENCE_SECONDS) -> Difference:
    """Compare two sources; it takes about `seconds` at most, however large they are."""
    old_lines, new_lines = _lines(old), _lines(new)
    clock = _Clock(seconds)
    blocks, is_rough = _blocks(clock, old_lines, new_lines)
    removed = sum(b - a for tag, a, b, _c, _d in blocks if tag != "equal")
    added = sum(d - c for tag, _a, _b, c, d in blocks if tag != "equal")
    stretches: list[Stretch] = []
    left, left_out = MOST_SHOWN, 0
    for number, block in enumerate(blocks):
        if block[0] == "equal":
            before, after = (CONTEXT if number else 0), (CONTEXT if number < len(blocks) - 1 else 0)
            stretches += _unchanged(_same(block, old_lines), before, after)
        else:
            shown = list(_changed(clock, block, old_lines, new_lines, left))
            left_out += max(block[2] - block[1], block[4] - block[3]) - len(shown)
            left -= len(shown)
            stretches.append(Stretch(shown))
    return Difference([each for each in stretches if each.rows or each.hidden], added, removed, is_rough, left_out)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _blocks(clock: _Clock, old: Sequence[str], new: Sequence[str]) -> tuple[list[Block], bool]:
    """The blocks that are equal or not, and whether they are only rough."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    middle, is_rough = _middle(clock, old[start:old_end], new[start:new_end])
    blocks = [(tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in middle]
    if start:
        blocks.insert(0, ("equal", 0, start, 0, start))
    if end:
        blocks.append(("equal", old_end, len(old), new_end, len(new)))
    return blocks, is_rough


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(old), len(new)))


def _middle(clock: _Clock, old: Sequence[str], new: Sequence[str]) -> tuple[list[Block], bool]:
    if not old and not new:
        return [], False
    if max(len(old), len(new)) <= MOST_COMPARED:
        try:
            return list(_TimedMatcher(clock, old, new).get_opcodes()), False
        except _TooSlowError:
            pass
    return [("replace", 0, len(old), 0, len(new))], True


def _same(block: Block, lines: Sequence[str]) -> list[ComparedLine]:
    _tag, start, end, other, _end = block
    shift = other - start
    return [
        ComparedLine(number + 1, pieces, number + 1 + shift, pieces)
        for number in range(start, end)
        for pieces in ([(lines[number], False)],)
    ]


def _unchanged(rows: Sequence[ComparedLine], before: int, after: int) -> Iterator[Stretch]:
    """Unchanged rows: `before` and `after` of them stand next to a change, the others are folded."""
    end = len(rows) - after
    if end - before <= 1:
        yield Stretch(rows)
        return
    yield Stretch(rows[:before])
    if end - before > MOST_SHOWN:
        yield Stretch([], is_folded=True, hidden=end - before)
    else:
        yield Stretch(rows[before:end], is_folded=True)
    yield Stretch(rows[end:])


def _changed(clock: _Clock, block: Block, old: Sequence[str], new: Sequence[str], most: int) -> Iterator[ComparedLine]:
    """The rows of a block that differs: lines of both sources in pairs, as long as there are two."""
    _tag, start, end, other, other_end = block
    for step in range(min(most, max(end - start, other_end - other))):
        left, right = start + step, other + step
        has_left, has_right = left < end, right < other_end
        if has_left and has_right:
            pieces = _words(clock, old[left], new[right])
        else:
            pieces = (
                [(old[left], False)] if has_left else [],
                [(new[right], False)] if has_right else [],
            )
        yield ComparedLine(left + 1 if has_left else None, pieces[0], right + 1 if has_right else None, pieces[1])


def _words(clock: _Clock, old: str, new: str) -> tuple[Pieces, Pieces]:
    """Two lines in pieces; in one piece each where they have little in common."""
    whole: tuple[Pieces, Pieces] = [(old, False)], [(new, False)]
    if clock.is_over or max(len(old), len(new)) > LONGEST_LINE:
        return whole
    old_words, new_words = _WORD.findall(old), _WORD.findall(new)
    try:
        matcher = _TimedMatcher(clock, old_words, new_words)
        if matcher.ratio() < _ALIKE:
            return whole
        blocks = matcher.get_opcodes()
    except _TooSlowError:
        return whole
    return (
        [("".join(old_words[a:b]), tag != "equal") for tag, a, b, _c, _d in blocks if a < b],
        [("".join(new_words[c:d]), tag != "equal") for tag, _a, _b, c, d in blocks if c < d],
    )
