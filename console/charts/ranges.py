"""The time that charts show: chosen in the address; where that makes no sense, the default with a message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.times import iso_utc
from runs.statistics.models import StoredStep
from runs.statistics.periods import KEPT, Period

RANGES: Final[Mapping[str, tuple[timedelta, Promise]]] = {
    "1h": (timedelta(hours=1), gettext_lazy("the last hour")),
    "6h": (timedelta(hours=6), gettext_lazy("the last 6 hours")),
    "24h": (timedelta(days=1), gettext_lazy("the last 24 hours")),
    "7d": (timedelta(days=7), gettext_lazy("the last 7 days")),
    "30d": (timedelta(days=30), gettext_lazy("the last 30 days")),
    "1y": (timedelta(days=365), gettext_lazy("the last year")),
}
DEFAULT_RANGE: Final = "24h"
PARAMETERS: Final = ("range", "from", "to")
LONGEST: Final = KEPT[StoredStep.DAY]
_SHORTEST: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class RangeChoice:
    """A range that is one click away; `words` say it in full."""

    name: str
    words: Promise
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class ChosenRange:
    """The time from `since` to `until`; `name` is empty for two given times.

    `problem` says that the address asked for something else, and why that cannot be shown.
    """

    name: str
    since: datetime
    until: datetime
    parameters: QueryDict
    problem: str = ""

    @classmethod
    def of(cls, request: HttpRequest, default: str = DEFAULT_RANGE) -> "ChosenRange":
        """What `?range=24h` or `?from=…&to=…` (times in ISO 8601, or dates of UTC, the last one included) asks for."""
        now, query = timezone.now(), request.GET
        try:
            name, since, until = _asked_for(query, now)
        except (ValueError, OverflowError):
            return cls(default, now - RANGES[default][0], now, query, _problem(default))
        if since is None:
            return cls(default, now - RANGES[default][0], now, query)
        return cls(name, since, until, query)

    @property
    def period(self) -> Period:
        return Period.of(self.since, self.until)

    @property
    def before(self) -> Period | None:
        """The time of the same length before, for comparison; None where its counters are gone."""
        span = self.until - self.since
        if timezone.now() - self.since + span > LONGEST:
            return None
        # Older counters are coarser: to end between two of them would count some of this time twice.
        step = Period.of(self.since - span, self.since).step
        end = Period.of(self.since, self.until, step).since
        return Period.of(end - span, end, step)

    @property
    def words(self) -> str:
        """`the last 24 hours`; empty for two given times."""
        return str(RANGES[self.name][1]) if self.name else ""

    @property
    def query(self) -> str:
        """What an address needs to show the same time: `range=24h`."""
        if self.name:
            return urlencode({"range": self.name})
        return urlencode({"from": iso_utc(self.since, "seconds"), "to": iso_utc(self.until, "seconds")})

    @property
    def links(self) -> Iterator[RangeChoice]:
        """The choices; each keeps what else the address asks for."""
        for name, (_span, words) in RANGES.items():
            kept = self._others()
            kept["range"] = name
            yield RangeChoice(name, words, f"?{kept.urlencode()}", name == self.name)

    @property
    def others(self) -> list[tuple[str, str]]:
        """What else the address asks for, for a form that chooses two times."""
        return [(name, value) for name, values in self._others().lists() for value in values]

    def _others(self) -> QueryDict:
        kept = self.parameters.copy()
        for name in PARAMETERS:
            kept.pop(name, None)
        return kept


def _problem(default: str) -> str:
    text = _("This time range cannot be shown, so these are %(range)s. At most 400 days can be chosen.")
    return text % {"range": RANGES[default][1]}


def _asked_for(query: QueryDict, now: datetime) -> tuple[str, datetime | None, datetime]:
    """Name, beginning and end; no beginning where the address asks for nothing.

    Raises:
        ValueError: it asks for something that there is not.
        OverflowError: it names a time at the end of the calendar.
    """
    name, first, last = (query.get(parameter, "").strip() for parameter in PARAMETERS)
    if name:
        if name not in RANGES:
            raise ValueError(name)
        return name, now - RANGES[name][0], now
    if not first and not last:
        return "", None, now
    until = min(moment_in(last, is_end=True), now) if last else now
    since = moment_in(first)
    if not _SHORTEST <= until - since <= LONGEST:
        raise ValueError(first)
    return "", since, until


def moment_in(text: str, *, is_end: bool = False) -> datetime:
    """A time in ISO 8601, UTC unless it says otherwise, or a date: its beginning, or its end.

    Raises:
        ValueError: it is neither.
    """
    day = parse_date(text)
    if day is not None:
        return _midnight(day + timedelta(days=1) if is_end else day)
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
