"""Charts of the slots of all nodes: how many were busy, over a time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from console.charts.chart import Chart
from console.charts.curves import ValueCurve, curves_chart
from console.charts.links import runs_behind
from console.charts.scales import Unit
from console.charts.sparklines import TrendLine, trend_of
from console.charts.timeline import Timeline
from runs.statistics.query import StatisticsFilters
from runs.statistics.samples import FleetPoint

FleetPoints = Sequence[FleetPoint | None]
"""What was seen in each step of a period; None where nothing was."""


def slots_chart(timeline: Timeline, points: FleetPoints, *, sees_runs: bool) -> Chart:
    """Busy slots on average and at most, below all slots."""
    averages = _averages(timeline, points)
    curves = [
        highest("limit", _("All slots"), timeline, points, lambda point: point.slots.most),
        highest("second", _("Busy at most"), timeline, points, lambda point: point.busy.most),
        ValueCurve("first", _("Busy on average"), averages, _average([each for each in averages if each is not None])),
    ]
    return fleet_chart(timeline, curves, Unit.NUMBER, _("Busy slots"), "slots", sees_runs=sees_runs)


def slots_trend(timeline: Timeline, points: FleetPoints) -> TrendLine:
    """Busy slots on average, for the figure of those of now."""
    return trend_of(_averages(timeline, points), "first")


def fleet_chart(
    timeline: Timeline, curves: Sequence[ValueCurve], unit: Unit, title: str, key: str, *, sees_runs: bool
) -> Chart:
    """These curves of the fleet in one plot; a place leads to the runs that began in it."""
    empty = _("Nothing is known of this time")
    chart = curves_chart(timeline, curves, unit, title=title, key=key, empty=empty)
    if not sees_runs:
        return chart
    everything = StatisticsFilters()
    return replace(chart, urls=[runs_behind(everything, each.start, each.end) for each in timeline.places])


def highest(
    kind: str, title: str, timeline: Timeline, points: FleetPoints, value: Callable[[FleetPoint], float]
) -> ValueCurve:
    """The highest value of each place, and of all."""
    values = _places(timeline, points, value, max)
    return ValueCurve(kind, title, values, max((each for each in values if each is not None), default=None))


def _averages(timeline: Timeline, points: FleetPoints) -> list[float | None]:
    return _places(timeline, points, lambda point: point.busy.average, _average)


def _average(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _places(
    timeline: Timeline,
    points: Sequence[Any],
    value: Callable[[Any], float],
    together: Callable[[list[float]], float | None],
) -> list[float | None]:
    """A value for each place of the timeline; None where nothing was seen."""
    groups = (points[first : first + timeline.steps] for first in range(0, len(points), timeline.steps))
    known = ([value(point) for point in group if point is not None] for group in groups)
    return [together(values) if values else None for values in known]
