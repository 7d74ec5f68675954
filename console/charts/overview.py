"""What the overview shows of the runs of clients: figures, a chart, rankings. It renews itself from its own address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from access.policy import NODE, RUN, allows
from console.charts.calls import calls_chart
from console.charts.chart import Chart
from console.charts.percentiles import waits_chart
from console.charts.ranges import PARAMETERS, ChosenRange
from console.charts.rankings import PARAMETER, Rankings, rankings
from console.charts.slots import slots_chart
from console.charts.sparklines import OF_CLIENTS
from console.charts.tiles import Tile, tiles
from console.charts.timeline import MeasuredRuns
from runs.statistics import samples
from runs.statistics.figures import Figures
from runs.statistics.query import StatisticsFilters, summed

_SHOWN: Final = (*PARAMETERS, PARAMETER)


@dataclass(frozen=True)
class RunStatistics:
    """The part of the overview about runs; `address` is that from which it is renewed."""

    chosen: ChosenRange
    tiles: list[Tile]
    chart: Chart
    load: Sequence[Chart]
    """What the calls ask of the fleet."""
    rankings: Rankings
    address: str


def statistics(request: HttpRequest) -> RunStatistics | None:
    """What the user of the page may see of it; None for users who may not view runs."""
    user = request.user
    if not allows(user, RUN, "view"):
        return None
    chosen, filters = ChosenRange.of(request), StatisticsFilters(kind=OF_CLIENTS)
    measured, before = MeasuredRuns.of(filters, chosen), chosen.before
    fleet = samples.of_fleet(measured.period) if allows(user, NODE, "view") else None
    return RunStatistics(
        chosen,
        list(tiles(measured, summed(filters, before) if before else Figures(), fleet)),
        calls_chart(measured),
        [waits_chart(measured), *([] if fleet is None else [slots_chart(measured, fleet, sees_runs=True)])],
        rankings(user, request.GET),
        _address(request),
    )


def _address(request: HttpRequest) -> str:
    kept = request.GET.copy()
    for name in set(kept) - set(_SHOWN):
        del kept[name]
    return f"{reverse('admin:statistics')}?{kept.urlencode()}"


@require_safe
def statistics_page(request: HttpRequest) -> HttpResponse:
    """The part alone.

    Raises:
        PermissionDenied: the user may not view runs.
    """
    shown = statistics(request)
    if shown is None:
        raise PermissionDenied
    return TemplateResponse(request, "console/charts/statistics.html", {"statistics": shown})
