"""The column of a list that tells how its objects are used: calls of the last 24 hours, or the last call."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import RUN, allows
from console import cells
from console.charts.scales import short_number
from console.charts.sparklines import sparklines
from console.list_rows import ListRows
from console.usage.pages import UsagePages
from console.usage.times import call_ago
from runs.statistics.last_calls import last_calls
from runs.statistics.periods import Period, Step
from runs.statistics.query import StatisticsFilters

_LAST: Final = "last_call"
_COLUMNS: Final = frozenset({"recent_calls", _LAST})
_FULL_HOURS: Final = timedelta(hours=23)
"""The present hour is counted as well, and is not full."""


class UsageList(ListRows):
    """A list whose rows know their calls of the last 24 hours, `sparkline`, and the `last` one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        if self.result_list and _COLUMNS & set(self.list_display):
            _tell(self.model_admin, self.result_list, with_last=_LAST in self.list_display)


def _tell(pages: UsagePages, rows: list[Any], *, with_last: bool) -> None:
    now = timezone.now()
    period = Period.of(now - _FULL_HOURS, now, Step.HOUR)
    lines = sparklines(pages.counted_as, [row.pk for row in rows], period, pages.counted_kinds)
    filters = StatisticsFilters(**{pages.counted_as: list(lines)}, kind=pages.counted_kinds)
    last = last_calls(pages.counted_as, filters) if with_last else {}
    for row in rows:
        row.sparkline, row.last = lines[row.pk], last.get(row.pk)


class CallColumns(UsagePages):
    """The cells. Users who may not view runs have no such columns."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ListRows]:
        return UsageList

    def available_columns(self, request: HttpRequest) -> list[str]:
        names: list[str] = super().available_columns(request)  # type: ignore[misc]  # of the list it is mixed into
        return names if allows(request.user, RUN, "view") else [name for name in names if name not in _COLUMNS]

    def last_uses(self, request: HttpRequest, keys: Collection[UUID]) -> Collection[datetime] | None:
        """From the counters of all callers; users who may not view runs do not learn it."""
        if not allows(request.user, RUN, "view"):
            return None
        filters = StatisticsFilters(**{self.counted_as: list(keys)}, kind=self.counted_kinds)
        return [last.since for last in last_calls(self.counted_as, filters).values()]

    @admin.display(description=gettext_lazy("calls, 24 h"))
    def recent_calls(self, obj: Any) -> SafeString:
        line = obj.sparkline
        shown = {
            "sparkline": line,
            "calls": short_number(line.calls),
            "failures": short_number(line.failures) if line.failures else "",
            "page": cells.page_of(obj, self.calls_page) if self.has_usage(obj) else "",
        }
        return render_to_string("console/usage/recent_calls.html", shown)

    @admin.display(description=gettext_lazy("last call"))
    def last_call(self, obj: Any) -> SafeString:
        return call_ago(obj.last) or cells.muted(_("never"))
