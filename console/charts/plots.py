"""Numbers as shapes: bars and lines of an SVG, in percent of its width and height, as text that no language changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from console.charts.scales import percent

LINE_WIDTH: Final = 1_000
"""The width of the view box of lines; its height is 100."""
_BAR_SHARE: Final = 0.82
"""How much of its place a bar takes; the rest parts it from the next one."""
_GAP: Final = 0.6
"""Percent of the height that part two segments of a bar."""
_SMALLEST_ON_GROUND, _SMALLEST = 1.2, 0.5
"""Percent of the height that a segment takes at least, to be visible: a single failure among thousands is."""

Counts = Sequence[tuple[str, int]]
"""What a bar is made of, from the bottom up: kinds and numbers."""


@dataclass(frozen=True)
class BarSegment:
    """A part of a bar; `kind` is what it counts."""

    kind: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class PlotLine:
    """A line; `area` is what lies below it, `dots` are points without neighbours.

    All are paths in a view box of `LINE_WIDTH` by 100.
    """

    kind: str
    path: str
    area: str
    dots: str


def stacked_bars(bars: Sequence[Counts], top: float) -> list[BarSegment]:
    """The segments of all bars, which share the width."""
    return [segment for number, counts in enumerate(bars) for segment in _bar(number, len(bars), counts, top)]


def _bar(number: int, bars: int, counts: Counts, top: float) -> Iterator[BarSegment]:
    x = percent((number + (1 - _BAR_SHARE) / 2) / bars)
    width = percent(_BAR_SHARE / bars)
    shown = [(kind, count / top * 100) for kind, count in counts if count]
    least = [_SMALLEST if place else _SMALLEST_ON_GROUND for place in range(len(shown))]
    heights = [max(least[place], height) for place, (_kind, height) in enumerate(shown)]
    # What small segments take more than they should, the largest makes room for.
    excess = sum(heights) - sum(height for _kind, height in shown)
    largest = heights.index(max(heights)) if heights else 0
    base = 100.0
    for place, (kind, _height) in enumerate(shown):
        height = max(least[place], heights[place] - excess) if place == largest else heights[place]
        base -= height
        gap = min(_GAP, height / 2) if place else 0
        yield BarSegment(kind, x, f"{max(0, base):.2f}", width, f"{height - gap:.2f}")


def line(kind: str, values: Sequence[float | None], top: float) -> PlotLine:
    """A line through the middles of the places; it is interrupted where a value is None."""
    points = [
        (number, (number + 0.5) / len(values) * LINE_WIDTH, 100 - value / top * 100)
        for number, value in enumerate(values)
        if value is not None
    ]
    # Neighbours differ as much in their numbers as in their positions.
    runs = groupby(enumerate(points), lambda each: each[1][0] - each[0])
    pieces = [[point for _position, point in each] for _difference, each in runs]
    lines = [f"M{_moves(piece)}" for piece in pieces if len(piece) > 1]
    # A line of hardly any length is its round ends.
    dots = [f"M{_moves(piece)}h.1" for piece in pieces if len(piece) == 1]
    areas = [f"M{piece[0][1]:.1f} 100L{_moves(piece)}V100Z" for piece in pieces]
    return PlotLine(kind, "".join(lines), "".join(areas), "".join(dots))


def _moves(piece: Sequence[tuple[int, float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.2f}" for _number, x, y in piece)
