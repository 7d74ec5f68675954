"""The scales of charts: round values for one axis, round times for the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import takewhile
from math import ceil, floor, log10
from typing import Final

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext as _

MOST_TIMES: Final = 9
UNKNOWN: Final = "\N{EN DASH}"
_THOUSAND: Final = 1_000
_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000
_ROUND_DURATIONS: Final[tuple[int, ...]] = (
    *(digit * 10**power for power in range(4) for digit in (1, 2, 5)),
    *(seconds * _SECOND for seconds in (10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600)),
)
"""Milliseconds."""
_ROUND_TIMES: Final = (
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *(timedelta(days=days) for days in (1, 2, 4, 7, 14)),
)
_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_LONGEST_OF_DAYS: Final = timedelta(days=112)


class Unit(Enum):
    """What the values of an axis are."""

    NUMBER = "number"
    MILLISECONDS = "milliseconds"

    def words(self, value: float) -> str:
        return short_number(value) if self is Unit.NUMBER else short_duration(value)


@dataclass(frozen=True)
class AxisTick:
    """A line of the grid, and its label. `at` is percent, as text that no language changes.

    A label of times has its `moment`. A chart that is narrow leaves out the minor ones.
    """

    at: str
    text: str
    moment: datetime | None = None
    is_minor: bool = False


def percent(share: float) -> str:
    return f"{share * 100:.2f}"


def value_axis(highest: float, unit: Unit, most: int = 4) -> tuple[float, list[AxisTick]]:
    """The value at the top, and ticks from 0 to it."""
    step = _round_duration(highest / most) if unit is Unit.MILLISECONDS else _round_number(highest / most)
    steps = max(1, ceil(highest / step))
    top = steps * step
    return top, [AxisTick(percent(1 - number / steps), unit.words(number * step)) for number in range(steps + 1)]


def _round_number(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20 … that is not below `least`."""
    if least <= 1:
        return 1
    power = int(10 ** floor(log10(least)))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least)


def _round_duration(least: float) -> int:
    if least > _ROUND_DURATIONS[-1]:
        return _HOUR * _round_number(least / _HOUR)
    return next(each for each in _ROUND_DURATIONS if each >= least)


def time_axis(since: datetime, until: datetime) -> list[AxisTick]:
    """Ticks at round times of UTC; the browser shows them in its own zone."""
    of_months = until - since > _LONGEST_OF_DAYS
    moments = list(_months(since, until) if of_months else _times(since, until))
    return [
        AxisTick(
            percent((moment - since) / (until - since)),
            _month(moment) if of_months else _label(moment),
            moment,
            is_minor=number % 2 == 1,
        )
        for number, moment in enumerate(moments)
    ]


def _label(moment: datetime) -> str:
    return formatted(moment, "H:i" if moment.hour or moment.minute else "j M")


def _month(moment: datetime) -> str:
    return formatted(moment, "M Y" if moment.month == 1 else "M")


def _times(since: datetime, until: datetime) -> Iterator[datetime]:
    step = next((each for each in _ROUND_TIMES if (until - since) / each <= MOST_TIMES), _ROUND_TIMES[-1])
    # Weeks begin on Mondays; every shorter step divides the time since then, too.
    first = _MONDAY + ceil((since - _MONDAY) / step) * step
    return takewhile(lambda moment: moment <= until, (first + number * step for number in range(MOST_TIMES + 2)))


def _months(since: datetime, until: datetime) -> Iterator[datetime]:
    moment = since.replace(day=1, hour=0, minute=0)
    step = ceil((until - since) / timedelta(days=400))
    while moment <= until:
        if moment >= since:
            yield moment
        for _each in range(step):
            moment = (moment + 31 * _DAY).replace(day=1)


# --- Words ---


def short_number(value: float) -> str:
    """`950`, `1.2k`, `3M`."""
    for limit, sign in ((_THOUSAND**3, "G"), (_THOUSAND**2, "M"), (_THOUSAND, "k")):
        if value >= limit:
            return f"{_digits(value / limit)}{sign}"
    return _digits(value)


def _digits(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def short_duration(milliseconds: float | None) -> str:
    """`87 ms`, `1.2 s`, `2.5 min`; a dash where it is not known."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < _SECOND:
        return _("%s ms") % f"{milliseconds:.0f}"
    if milliseconds < _MINUTE:
        return _("%s s") % _digits(milliseconds / _SECOND)
    if milliseconds < _HOUR:
        return _("%s min") % _digits(milliseconds / _MINUTE)
    return _("%s h") % _digits(milliseconds / _HOUR)


def rate_text(rate: float | None) -> str:
    """`0.12%`; a dash where nothing was called."""
    if rate is None:
        return UNKNOWN
    shown = f"{rate * 100:.2f}".rstrip("0").rstrip(".")
    return "<0.01%" if rate > 0 and shown == "0" else f"{shown}%"


def highest_of(values: Sequence[float | None]) -> float:
    return max((value for value in values if value is not None), default=0)
