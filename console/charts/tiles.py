"""The figures at the top of the overview: calls, error rate, durations, the wait for a slot, and busy slots."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import redis
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.charts.calls import STACK
from console.charts.scales import UNKNOWN, rate_text, short_duration, short_number
from console.charts.slots import FleetPoints, slots_trend
from console.charts.sparklines import TrendLine, trend_of
from console.charts.timeline import MeasuredRuns
from fleet import overview
from runs.statistics.figures import Figures

_LONG: Final = 1_000_000
_SAME, _NOTABLE, _MOST = 0.05, 0.25, 10
"""Smaller changes of percentiles are within their buckets; from the second on one is worth a colour; those beyond the
last are no matter of percent."""


@dataclass(frozen=True)
class Tile:
    """A figure, how it went, how it was in the same time before, and what is behind it.

    `tone` is `bad` or `good` where the change is, otherwise empty.
    """

    key: str
    title: Promise
    value: str
    url: str
    note: str = ""
    tone: str = ""
    trend: TrendLine | None = None


def tiles(measured: MeasuredRuns, before: Figures, fleet: FleetPoints | None) -> Iterator[Tile]:
    """The figures of `measured`, compared with those of the time before; `fleet` is None if the user may not see it."""
    yield _tile("calls", gettext_lazy("Calls"), measured, before, _calls, _number, rise="")
    yield _tile("failed", gettext_lazy("Error rate"), measured, before, _error_rate, rate_text)
    yield _tile("p95", gettext_lazy("Duration, p95"), measured, before, _duration, short_duration)
    yield _tile("queue", gettext_lazy("Queue wait, p95"), measured, before, _wait, short_duration)
    if fleet is not None:
        yield _slots(slots_trend(measured, fleet))


def _number(value: float | None) -> str:
    """The chart below says it exactly."""
    return short_number(value) if value and value >= _LONG else f"{value or 0:,.0f}"


def _calls(figures: Figures) -> float | None:
    return figures.calls


def _error_rate(figures: Figures) -> float | None:
    return figures.error_rate


def _duration(figures: Figures) -> float | None:
    return figures.total.percentile(0.95)


def _wait(figures: Figures) -> float | None:
    return figures.queue.percentile(0.95)


def _tile(
    key: str,
    title: Promise,
    measured: MeasuredRuns,
    before: Figures,
    value_of: Callable[[Figures], float | None],
    words: Callable[[float | None], str],
    rise: str = "bad",
) -> Tile:
    value, old = value_of(measured.total), value_of(before)
    note, tone = ("", "") if value is None or not old else _compared(value, old, words, rise)
    runs = measured.runs(STACK["failed"][1]) if key == "failed" else measured.runs()
    trend = trend_of(_over_time(key, measured, value_of), key)
    return Tile(key, title, UNKNOWN if value is None else words(value), runs, note, tone, trend)


def _over_time(key: str, measured: MeasuredRuns, value_of: Callable[[Figures], float | None]) -> Sequence[float | None]:
    """Calls of a time that is not over yet would look like fewer calls."""
    values = [value_of(figures) for figures in measured.figures]
    return values[:-1] if key == "calls" and measured.places[-1].is_partial else values


def _compared(value: float, old: float, words: Callable[[float | None], str], rise: str) -> tuple[str, str]:
    """How it was before, and whether the change is good or bad; a rise of calls is neither."""
    change = (value - old) / old
    was = _("was %s") % words(old)
    if abs(change) < _SAME:
        return was, ""
    arrow = "\N{UPWARDS ARROW}" if change > 0 else "\N{DOWNWARDS ARROW}"
    note = f"{arrow} {abs(change):.0%}, {was}" if abs(change) <= _MOST and words is not rate_text else f"{arrow} {was}"
    if abs(change) < _NOTABLE or not rise:
        return note, ""
    return note, rise if change > 0 else "good"


def _slots(trend: TrendLine) -> Tile:
    title, page = gettext_lazy("Slots busy"), reverse("admin:automation_workernode_changelist")
    try:
        now = overview.look()
    except redis.RedisError:
        return Tile("slots", title, "?", page, _("Redis is not reachable"), "bad", trend)
    note = _("%(count)d waiting") % {"count": now.waiting} if now.waiting else _("none waiting")
    value = _("%(running)d of %(limit)d") % {"running": now.running, "limit": now.limit}
    return Tile("slots", title, value, page, note, "bad" if now.waiting else "", trend)
