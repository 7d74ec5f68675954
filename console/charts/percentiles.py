"""Charts of durations: p50, p95 and p99 from the acceptance to the answer, and of the wait for a slot."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from django.utils.translation import gettext as _

from console.charts.chart import Chart, ChartCell, ChartColumn, ChartPanel, LegendEntry
from console.charts.plots import line
from console.charts.scales import Unit, highest_of, short_duration, value_axis
from console.charts.timeline import MeasuredRuns
from runs.statistics.figures import Figures
from runs.statistics.histogram import Histogram

Duration = Literal["queue", "run", "total"]

SHARES: Final[Mapping[str, float]] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_OF_WAITS: Final = ("p50", "p95")


def histogram_of(figures: Figures, duration: Duration) -> Histogram:
    return {"queue": figures.queue, "run": figures.run, "total": figures.total}[duration]


def durations_chart(measured: MeasuredRuns, *, title: str = "", key: str = "durations") -> Chart:
    """p50, p95 and p99 of the whole duration."""
    return _chart(measured, title or _("Duration"), key, "total", list(SHARES))


def waits_chart(measured: MeasuredRuns, *, title: str = "", key: str = "waits") -> Chart:
    """p50 and p95 of the wait for a free slot."""
    return _chart(measured, title or _("Wait for a slot"), key, "queue", _OF_WAITS)


def duration_column(name: str, measured: MeasuredRuns, duration: Duration = "total") -> ChartColumn:
    values = [histogram_of(figures, duration).percentile(SHARES[name]) for figures in measured.figures]
    return ChartColumn(name, name, [ChartCell(short_duration(value)) for value in values])


def _chart(measured: MeasuredRuns, title: str, key: str, duration: Duration, names: Sequence[str]) -> Chart:
    histograms = [histogram_of(figures, duration) for figures in measured.figures]
    values = {name: [each.percentile(SHARES[name]) for each in histograms] for name in names}
    top, ticks = value_axis(highest_of([highest_of(each) for each in values.values()]), Unit.MILLISECONDS)
    total = histogram_of(measured.total, duration)
    return Chart(
        key,
        title,
        measured,
        [ChartPanel("", ticks, lines=[line(name, each, top) for name, each in values.items()])],
        [duration_column(name, measured, duration) for name in names],
        [LegendEntry(name, name, short_duration(total.percentile(SHARES[name]))) for name in names],
        is_empty=not total.lanes,
        urls=[measured.runs(place=place) for place in measured.places],
        csv=measured.csv,
    )
