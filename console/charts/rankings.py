"""Which APIs are called most, and which fail most, within the last hour, day or week."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.policy import DEFINITION, AnyUser, allows
from console.cells import page_of
from console.charts.calls import STACK
from console.charts.links import runs_behind
from console.charts.ranges import RANGES
from console.charts.scales import percent, rate_text
from console.charts.sparklines import OF_CLIENTS
from definitions.models import ApiDefinition
from runs.statistics.figures import Figures
from runs.statistics.periods import Period
from runs.statistics.query import StatisticsFilters, counts_by

SPANS: Final[Mapping[str, tuple[str, Promise]]] = {
    "hour": ("1h", gettext_lazy("Hour")),
    "day": ("24h", gettext_lazy("Day")),
    "week": ("7d", gettext_lazy("Week")),
}
"""The range that each is, and its name."""
DEFAULT_SPAN: Final = "day"
PARAMETER: Final = "top"
RANKED: Final = 5


@dataclass(frozen=True)
class RankedApi:
    """An API in a ranking. `share` is percent of the first one's value; `page` is empty if the user may not see it."""

    name: str
    page: str
    text: str
    note: str
    runs: str
    share: str


@dataclass(frozen=True)
class SpanChoice:
    """A span that is one click away."""

    title: Promise
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Rankings:
    """Both rankings of a span."""

    busiest: Sequence[RankedApi]
    failing: Sequence[RankedApi]
    choices: Sequence[SpanChoice]


def rankings(user: AnyUser, query: QueryDict) -> Rankings:
    """The rankings of the span that the address asks for, in a number of queries that does not grow with the APIs."""
    span = query.get(PARAMETER, "")
    span = span if span in SPANS else DEFAULT_SPAN
    now = timezone.now()
    time_range = SPANS[span][0]
    period = Period.of(now - RANGES[time_range][0], now)
    found = counts_by("definition", StatisticsFilters(kind=OF_CLIENTS), period)
    busiest = _first(found, lambda figures: figures.calls)
    failing = _first(found, lambda figures: figures.failures)
    ranks = _Ranks(user, time_range, period, {*busiest, *failing})
    return Rankings(
        [ranks.busy(key, found[key], found[busiest[0]]) for key in busiest],
        [ranks.failing(key, found[key], found[failing[0]]) for key in failing],
        list(_choices(query, span)),
    )


def _first(found: Mapping[UUID, Figures], value: Callable[[Figures], int]) -> list[UUID]:
    keys = [key for key, figures in found.items() if value(figures)]
    return sorted(keys, key=lambda key: (-value(found[key]), key))[:RANKED]


def _choices(query: QueryDict, span: str) -> Iterator[SpanChoice]:
    for name, (_range, title) in SPANS.items():
        kept = query.copy()
        kept[PARAMETER] = name
        yield SpanChoice(title, f"?{kept.urlencode()}", name == span)


class _Ranks:
    """Makes the rows of rankings: names and links as far as the user may see them."""

    def __init__(self, user: AnyUser, time_range: str, period: Period, keys: set[UUID]) -> None:
        self._range, self._time = time_range, (period.since, period.until)
        self._definitions = ApiDefinition.objects.in_bulk(keys) if keys else {}
        self._sees_definitions = allows(user, DEFINITION, "view")

    def busy(self, key: UUID, figures: Figures, first: Figures) -> RankedApi:
        note = _("%s failed") % rate_text(figures.error_rate) if figures.failures else ""
        text = ngettext("%s call", "%s calls", figures.calls) % f"{figures.calls:,}"
        return self._row(key, text, note, self._runs(key), figures.calls / first.calls, "calls")

    def failing(self, key: UUID, figures: Figures, first: Figures) -> RankedApi:
        text = ngettext("%s failure", "%s failures", figures.failures) % f"{figures.failures:,}"
        runs = self._runs(key, STACK["failed"][1])
        return self._row(key, text, rate_text(figures.error_rate), runs, figures.failures / first.failures, "failed")

    def _row(self, key: UUID, text: str, note: str, runs: str, share: float, order: str) -> RankedApi:
        definition = self._definitions.get(key)
        # The next question is who is concerned: the page of usage answers it, for the same time.
        usage = page_of(definition, "usage") if definition and self._sees_definitions else ""
        page = f"{usage}?range={self._range}&sort={order}" if usage else ""
        return RankedApi(definition.route if definition else _("Deleted API"), page, text, note, runs, percent(share))

    def _runs(self, key: UUID, statuses: Sequence[str] = ()) -> str:
        return runs_behind(StatisticsFilters(definition=[key], kind=OF_CLIENTS), *self._time, statuses)
