"""What a chart is made of: plots above each other that share the time, and a table that says the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from console.charts.plots import BarSegment, PlotLine
from console.charts.scales import UNKNOWN, AxisTick, percent
from console.charts.timeline import Timeline, TimePlace

NOTHING: Final = ("0", UNKNOWN)
"""What a cell says of nothing."""

Words = Promise | str


@dataclass(frozen=True)
class ChartPanel:
    """A plot with a scale of its own. `size` is `tall` or `low`; the title may be empty."""

    title: Words
    ticks: Sequence[AxisTick]
    size: str = "tall"
    segments: Sequence[BarSegment] = ()
    lines: Sequence[PlotLine] = ()


@dataclass(frozen=True)
class ChartCell:
    """A number in the table, and the address of what is behind it; an empty one leads nowhere."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class ChartColumn:
    """A column of the table, a cell for each place; `kind` is that of the shapes that show the same."""

    title: Words
    kind: str
    cells: Sequence[ChartCell]


@dataclass(frozen=True)
class LegendEntry:
    """What a colour means, the value of the whole time, and what is behind it."""

    kind: str
    title: Words
    text: str
    url: str = ""


@dataclass(frozen=True)
class ChartPoint:
    """A place as the chart shows it: where it is, what it says, where it leads."""

    place: TimePlace
    x: str
    width: str
    url: str
    label: str
    cells: Sequence[ChartCell]


@dataclass(frozen=True)
class Chart:
    """A chart. `key` names it in its page; `urls` are where the places lead, if anywhere; `csv` may be empty."""

    key: str
    title: Words
    timeline: Timeline
    panels: Sequence[ChartPanel]
    columns: Sequence[ChartColumn]
    legend: Sequence[LegendEntry]
    is_empty: bool
    urls: Sequence[str] = ()
    csv: str = ""
    empty: Words = ""

    @property
    def empty_text(self) -> Words:
        return self.empty or _("No calls in this time")

    @property
    def points(self) -> Iterator[ChartPoint]:
        places = self.timeline.places
        for number, place in enumerate(places):
            cells = [column.cells[number] for column in self.columns]
            url = self.urls[number] if self.urls else ""
            at, width = percent(number / len(places)), percent(1 / len(places))
            yield ChartPoint(place, at, width, url, f"{place.text}: {self._said(cells)}", cells)

    def _said(self, cells: Sequence[ChartCell]) -> str:
        pairs = zip(self.columns, cells, strict=True)
        said = [f"{column.title} {cell.text}" for column, cell in pairs if cell.text not in NOTHING]
        return ", ".join(said) or str(_("nothing"))
