"""The column of a list that tells how its objects are used: calls of the last 24 hours, or the last call."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.views import ChangeList

from access.policy import RUN, allows
from console import cells
from console.charts.scales import short_number
from console.charts.sparklines import sparklines
from console.usage.pages import UsagePages
from runs.statistics.last_calls import last_calls
from runs.statistics.periods import Period, Step
from runs.statistics.query import StatisticsFilters

_COLUMN: Final = "recent_calls"
_FULL_HOURS: Final = timedelta(hours=23)
"""Besides the present one."""


class UsageList(ChangeList):  # type: ignore[misc]  # django-unfold has no types
    """A list whose rows know their calls: `sparkline`, and `last` of those that had none in this time."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        if _COLUMN in self.list_display and self.result_list:
            _tell(self.model_admin, self.result_list)


def _tell(pages: UsagePages, rows: list[Any]) -> None:
    now = timezone.now()
    period = Period.of(now - _FULL_HOURS, now, Step.HOUR)
    lines = sparklines(pages.counted_as, [row.pk for row in rows], period, pages.counted_kinds)
    silent = [key for key, line in lines.items() if not line.calls]
    filters = StatisticsFilters(**{pages.counted_as: silent}, kind=pages.counted_kinds)
    last = last_calls(pages.counted_as, filters) if silent else {}
    for row in rows:
        row.sparkline, row.last = lines[row.pk], last.get(row.pk)


class CallColumns(UsagePages):
    """The cell. Users who may not view runs have no such column."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UsageList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = super().get_list_display(request)
        return [name for name in columns if name != _COLUMN or allows(request.user, RUN, "view")]

    @admin.display(description=gettext_lazy("calls, 24 h"))
    def recent_calls(self, obj: Any) -> SafeString:
        line = obj.sparkline
        shown = {
            "sparkline": line,
            "calls": short_number(line.calls),
            "failures": short_number(line.failures) if line.failures else "",
            "last": obj.last,
            "page": cells.page_of(obj, "usage") if self.has_usage(obj) else "",
        }
        return render_to_string("console/usage/recent_calls.html", shown)
