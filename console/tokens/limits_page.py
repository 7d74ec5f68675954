"""The rate limit of a token in words, and how close its calls come to it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from access.policy import RUN, allows
from console.charts.links import runs_behind
from console.usage.pages import UsagePages
from runs.statistics.periods import Period, Step
from runs.statistics.query import StatisticsFilters, over_time
from tokens.models import ApiToken

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_SECONDS: Final = 60


@dataclass(frozen=True)
class BusiestTime:
    """The most calls in as many whole minutes as the window of the limit takes, and when that was.

    `allowed` is how many the limit lets through in these minutes; None without a limit.
    """

    calls: int
    since: datetime
    minutes: int
    allowed: int | None
    runs: str

    @property
    def percent(self) -> int | None:
        return math.ceil(100 * self.calls / self.allowed) if self.allowed else None


class LimitsPage(UsagePages):
    """The tab Limits."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.limits_page)
        return [path("<path:object_id>/limits/", page, name="tokens_apitoken_limits"), *super().get_urls()]

    def limits_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The limit, what callers get when it is reached, and the busiest time of the last day.

        Raises:
            PermissionDenied: the user may not view tokens.
            Http404: there is no such token.
        """
        token, sees_runs = self._viewed(request, object_id), allows(request.user, RUN, "view")
        filters = StatisticsFilters(token=[token.pk], kind=self.counted_kinds)
        busiest = busiest_time(token, filters, timezone.now()) if sees_runs else None
        context: dict[str, Any] = {"title": _("Limits"), "sees_runs": sees_runs, "busiest": busiest}
        return self._answer(request, token, "console/tokens/limits.html", context)


def busiest_time(token: ApiToken, filters: StatisticsFilters, now: datetime) -> BusiestTime | None:
    """That of the last 24 hours; None without a call."""
    points = over_time(filters, Period.of(now - _DAY, now, Step.MINUTE))
    window = token.rate_window_seconds or _SECONDS
    # A window shorter than a minute is compared by what it lets through in a whole one: the counters know no less.
    minutes = min(max(1, math.ceil(window / _SECONDS)), len(points))
    calls, place = _most([figures.calls for _start, figures in points], minutes)
    if not calls:
        return None
    since = points[place][0]
    allowed = None if token.rate_limit is None else token.rate_limit * minutes * _SECONDS // window
    return BusiestTime(calls, since, minutes, allowed, runs_behind(filters, since, since + minutes * _MINUTE))


def _most(values: Sequence[int], length: int) -> tuple[int, int]:
    """The largest sum of `length` neighbours, and the place of the first of them."""
    sums = [0, *accumulate(values)]
    places = range(len(values) - length + 1)
    place = max(places, key=lambda first: sums[first + length] - sums[first])
    return sums[place + length] - sums[place], place
