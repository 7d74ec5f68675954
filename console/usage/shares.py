"""Who calls what, and when last: a row for each token of an API, or for each API of a token or script."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from access.policy import AnyUser
from console.charts.calls import STACK
from console.charts.links import runs_behind
from console.charts.percentiles import SHARES
from console.charts.scales import percent, rate_text, short_duration
from console.charts.timeline import MeasuredRuns
from console.usage.names import KnownObject, Sharer, names_of
from runs.statistics.figures import Figures
from runs.statistics.last_calls import LastCall, last_calls
from runs.statistics.models import NOBODY
from runs.statistics.query import by, summed

MOST_SHARES: Final = 100
OTHERS: Final = "others"
_WITHOUT: Final[Mapping[Sharer, Promise]] = {
    "token": gettext_lazy("Without a token"),
    "definition": gettext_lazy("Not through an API"),
}


ORDER: Final = "sort"
"""The parameter that chooses by which column the rows are ordered, the highest value first."""
_VALUES: Final[Mapping[str, Callable[[Figures, int], int]]] = {
    "calls": lambda figures, _last: figures.calls,
    "failed": lambda figures, _last: figures.failures,
    "last": lambda _figures, last: last,
}


@dataclass(frozen=True)
class ShareColumn:
    """A column of the table; `url` orders the rows by it, if it can."""

    title: Promise
    url: str = ""
    is_chosen: bool = False
    is_number: bool = True


@dataclass(frozen=True)
class UsageShare:
    """The calls of one token, or of one API; `of_all` is percent of all calls. Addresses may be empty."""

    key: str
    known: KnownObject
    figures: Figures
    of_all: str
    last: LastCall | None = None
    runs: str = ""
    failed_runs: str = ""

    @property
    def calls(self) -> str:
        return f"{self.figures.calls:,}"

    @property
    def failures(self) -> str:
        return f"{self.figures.failures:,}"

    @property
    def error_rate(self) -> str:
        return rate_text(self.figures.error_rate)

    @property
    def p95(self) -> str:
        return short_duration(self.figures.total.percentile(SHARES["p95"]))


@dataclass(frozen=True)
class UsageShares:
    """The rows, those with the most calls first, and how many there are besides."""

    dimension: Sharer
    columns: Sequence[ShareColumn]
    rows: Sequence[UsageShare]
    more: int


def usage_shares(
    dimension: Sharer, measured: MeasuredRuns, user: AnyUser, further: Collection[UUID] = ()
) -> UsageShares:
    """The rows of the time, of earlier calls whose counters are still there, and of `further` objects."""
    asked = measured.chosen.parameters.get(ORDER, "")
    order = asked if asked in _VALUES else "calls"
    found = by(dimension, measured.filters, measured.period)
    last = last_calls(dimension, measured.filters)

    def place(key: UUID) -> tuple[Any, ...]:
        # The same for all users: the order must not tell names.
        figures, start = found.get(key, Figures()), last[key].start if key in last else 0
        return -_VALUES[order](figures, start), -figures.calls, -start, key

    keys = sorted(found.keys() | last.keys() | set(further), key=place)
    shown = keys[:MOST_SHARES]
    names = names_of(dimension, shown, user)
    rows = [_share(dimension, key, names[key], found.get(key, Figures()), last.get(key), measured) for key in shown]
    columns = list(_columns(order, measured))
    return UsageShares(dimension, columns, [*rows, *_others(dimension, measured)], len(keys) - len(shown))


def unmeasured_shares(dimension: Sharer, ids: Collection[UUID], user: AnyUser) -> UsageShares:
    """The first of these objects without figures, for users who may not view runs."""
    shown = sorted(ids)[:MOST_SHARES]
    names = names_of(dimension, shown, user)
    rows = [UsageShare(str(key), names[key], Figures(), "0") for key in shown]
    return UsageShares(dimension, (), rows, len(ids) - len(shown))


def _columns(order: str, measured: MeasuredRuns) -> Iterator[ShareColumn]:
    """All but the first."""

    def ordered(name: str, title: Promise, *, is_number: bool = True) -> ShareColumn:
        kept = measured.chosen.parameters.copy()
        kept[ORDER] = name
        return ShareColumn(title, f"?{kept.urlencode()}", name == order, is_number)

    yield ordered("calls", gettext_lazy("Calls"))
    yield ordered("failed", gettext_lazy("Failed"))
    yield ShareColumn(gettext_lazy("Error rate"))
    yield ShareColumn(gettext_lazy("Duration, p95"))
    yield ordered("last", gettext_lazy("Last call"), is_number=False)


def _share(
    dimension: Sharer, key: UUID, known: KnownObject, figures: Figures, last: LastCall | None, measured: MeasuredRuns
) -> UsageShare:
    narrower: dict[str, Any] = {dimension: [key]}
    filters = replace(measured.filters, **narrower)
    time = measured.period.since, measured.period.until
    page = measured.runs_page
    runs = runs_behind(filters, *time, page=page) if figures.calls else ""
    failed_runs = runs_behind(filters, *time, STACK["failed"][1], page) if figures.failures else ""
    return UsageShare(str(key), known, figures, _of_all(figures, measured), last, runs, failed_runs)


def _others(dimension: Sharer, measured: MeasuredRuns) -> list[UsageShare]:
    """The calls that no token, or no API, was part of, as a row if there are any."""
    nobody: dict[str, Any] = {dimension: [NOBODY]}
    others = summed(replace(measured.filters, **nobody), measured.period)
    known = KnownObject(str(_WITHOUT[dimension]))
    return [UsageShare(OTHERS, known, others, _of_all(others, measured))] if others.calls else []


def _of_all(figures: Figures, measured: MeasuredRuns) -> str:
    return percent(figures.calls / measured.total.calls) if measured.total.calls else "0"
