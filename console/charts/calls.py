"""The chart of calls: bars by status over a line of durations."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.charts.chart import Chart, ChartCell, ChartColumn, ChartPanel, LegendEntry, Words
from console.charts.percentiles import SHARES, duration_column
from console.charts.plots import line, stacked_bars
from console.charts.scales import Unit, highest_of, short_duration, value_axis
from console.charts.timeline import MeasuredRuns
from fleet.records import RunStatus
from runs.statistics.figures import FAILURES, Figures

STACK: Final[dict[str, tuple[Words, tuple[str, ...]]]] = {
    "failed": (gettext_lazy("Failed"), tuple(map(str, FAILURES))),
    "refused": (gettext_lazy("Refused"), (RunStatus.REFUSED.value,)),
    "cancelled": (gettext_lazy("Cancelled"), (RunStatus.CANCELLED.value,)),
    "succeeded": (gettext_lazy("Succeeded"), (RunStatus.SUCCEEDED.value,)),
}
"""What the bars are made of, from the bottom up, and the statuses in each. What went wrong stands on the ground, where
heights compare best."""


def counted(figures: Figures, kind: str) -> int:
    by_status = figures.by_status
    return sum(by_status[status] for status in STACK[kind][1])


def calls_chart(measured: MeasuredRuns, *, title: str = "", key: str = "calls") -> Chart:
    """Calls by status over the p95 of their durations."""
    return Chart(
        key,
        title or _("Calls by status"),
        measured,
        [_calls_panel(measured), _durations_panel(measured)],
        [_all_column(measured), *_columns(measured), duration_column("p95", measured)],
        _legend(measured),
        is_empty=not measured.total.calls,
        urls=[measured.runs(place=place) for place in measured.places],
        csv=measured.csv,
    )


def _calls_panel(measured: MeasuredRuns) -> ChartPanel:
    top, ticks = value_axis(highest_of([each.calls for each in measured.figures]), Unit.NUMBER)
    bars = [[(kind, counted(each, kind)) for kind in STACK] for each in measured.figures]
    return ChartPanel("", ticks, segments=stacked_bars(bars, top))


def _durations_panel(measured: MeasuredRuns) -> ChartPanel:
    values = [each.total.percentile(SHARES["p95"]) for each in measured.figures]
    top, ticks = value_axis(highest_of(values), Unit.MILLISECONDS, most=2)
    return ChartPanel(_("Duration, p95"), ticks, "low", lines=[line("p95", values, top)])


def _all_column(measured: MeasuredRuns) -> ChartColumn:
    cells = [
        ChartCell(f"{figures.calls:,}", measured.runs(place=place) if figures.calls else "")
        for place, figures in zip(measured.places, measured.figures, strict=True)
    ]
    return ChartColumn(_("Calls"), "", cells)


def _columns(measured: MeasuredRuns) -> list[ChartColumn]:
    """From the top of the bars to the ground."""
    return [ChartColumn(STACK[kind][0], kind, _cells(measured, kind)) for kind in reversed(STACK)]


def _cells(measured: MeasuredRuns, kind: str) -> list[ChartCell]:
    counts = [counted(figures, kind) for figures in measured.figures]
    return [
        ChartCell(f"{count:,}", measured.runs(STACK[kind][1], place) if count else "")
        for place, count in zip(measured.places, counts, strict=True)
    ]


def _legend(measured: MeasuredRuns) -> list[LegendEntry]:
    total = measured.total
    statuses = [
        LegendEntry(kind, words, f"{counted(total, kind):,}", measured.runs(statuses))
        for kind, (words, statuses) in reversed(STACK.items())
    ]
    return [*statuses, LegendEntry("p95", _("p95"), short_duration(total.total.percentile(SHARES["p95"])))]
