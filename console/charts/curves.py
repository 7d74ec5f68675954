"""Charts of values that are no runs, such as busy slots: a line for each, over a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.charts.chart import Chart, ChartCell, ChartColumn, ChartPanel, LegendEntry, Words
from console.charts.plots import line
from console.charts.scales import UNKNOWN, Unit, highest_of, value_axis
from console.charts.timeline import Timeline


@dataclass(frozen=True)
class ValueCurve:
    """A value for each place of a timeline; None where nothing is known. `kind` is `first`, `second` or `limit`.

    `whole` is that of the whole time.
    """

    kind: str
    title: Words
    values: Sequence[float | None]
    whole: float | None


def curves_chart(
    timeline: Timeline, curves: Sequence[ValueCurve], unit: Unit, *, title: str, key: str, empty: str
) -> Chart:
    """The curves in one plot."""
    top, ticks = value_axis(highest_of([highest_of(curve.values) for curve in curves]), unit)
    lines = [line(curve.kind, curve.values, top) for curve in curves]
    columns = [
        ChartColumn(each.title, each.kind, [ChartCell(_words(value, unit)) for value in each.values]) for each in curves
    ]
    legend = [LegendEntry(each.kind, each.title, _words(each.whole, unit)) for each in curves]
    known = [value for curve in curves for value in curve.values if value is not None]
    return Chart(key, title, timeline, [ChartPanel("", ticks, lines=lines)], columns, legend, not known, empty=empty)


def _words(value: float | None, unit: Unit) -> str:
    return UNKNOWN if value is None else unit.words(value)
