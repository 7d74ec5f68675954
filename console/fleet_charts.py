"""What the nodes did over time: busy slots, jobs that waited, and how long the oldest of them did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from access.policy import RUN, allows
from automation.models import WorkerNode
from console.charts.chart import Chart
from console.charts.links import runs_behind
from console.charts.plots import line
from console.charts.ranges import ChosenRange, RangeChoice
from console.charts.scales import Unit
from console.charts.slots import FleetPoints, fleet_chart, highest, slots_chart
from console.charts.sparklines import TrendLine
from console.charts.timeline import Timeline
from runs.statistics import samples
from runs.statistics.query import StatisticsFilters
from runs.statistics.samples import SlotPoint

_LONGEST: Final = "30d"


class FleetRange(ChosenRange):
    """Samples are kept for 35 days."""

    @property
    def links(self) -> Iterator[RangeChoice]:
        for choice in super().links:
            yield choice
            if choice.name == _LONGEST:
                return


@dataclass(frozen=True)
class NodeHistory:
    """The busy slots of a node: a line up to all its slots, and in words."""

    node: int
    host: str
    trend: TrendLine
    average: str
    most: int
    slots: int
    runs: str
    """The address of its runs; empty for users who may not view them."""


@dataclass(frozen=True)
class FleetCharts:
    """The part of the page of nodes about the past; `address` is that from which it is renewed."""

    chosen: ChosenRange
    slots: Chart
    waiting: Chart
    wait: Chart
    nodes: Sequence[NodeHistory]
    address: str


def fleet_charts(request: HttpRequest) -> FleetCharts:
    """What the address asks for."""
    chosen = FleetRange.of(request)
    timeline = Timeline(chosen.period)
    history = samples.over_time(timeline.period)
    sees_runs = allows(request.user, RUN, "view")
    runs = runs_behind(StatisticsFilters(), timeline.period.since, timeline.period.until) if sees_runs else ""
    hosts = dict(WorkerNode.objects.filter(pk__in=history.nodes).values_list("pk", "host"))
    return FleetCharts(
        chosen,
        slots_chart(timeline, history.fleet, sees_runs=sees_runs),
        _waiting(timeline, history.fleet, sees_runs),
        _wait(timeline, history.fleet, sees_runs),
        [_node(node, hosts.get(node, ""), points, runs) for node, points in history.nodes.items()],
        f"{reverse('admin:automation_workernode_charts')}?{chosen.query}",
    )


def _waiting(timeline: Timeline, points: FleetPoints, sees_runs: bool) -> Chart:
    curve = highest("first", _("At most"), timeline, points, lambda point: point.waiting.most)
    return fleet_chart(timeline, [curve], Unit.NUMBER, _("Waiting jobs"), "waiting", sees_runs=sees_runs)


def _wait(timeline: Timeline, points: FleetPoints, sees_runs: bool) -> Chart:
    curve = highest("first", _("At most"), timeline, points, lambda point: point.wait.most)
    return fleet_chart(timeline, [curve], Unit.MILLISECONDS, _("Oldest wait"), "oldest-wait", sees_runs=sees_runs)


def _node(node: int, host: str, points: Sequence[SlotPoint | None], runs: str) -> NodeHistory:
    known = [point for point in points if point is not None]
    slots = max(point.slots.most for point in known)
    average = sum(point.busy.average for point in known) / len(known)
    values = [None if point is None else point.busy.average for point in points]
    most = max(point.busy.most for point in known)
    trend, page = TrendLine(line("first", values, slots or 1)), f"{runs}&node={node}" if runs else ""
    return NodeHistory(node, host, trend, f"{average:.1f}", most, slots, page)
