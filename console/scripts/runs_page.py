"""The page *Runs* of a script: how often it ran, how long it took, and its latest runs."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from access.policy import RUN, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind
from console.charts.calls import calls_chart
from console.charts.links import runs_behind
from console.charts.percentiles import durations_chart, waits_chart
from console.charts.ranges import ChosenRange
from console.charts.timeline import MeasuredRuns
from console.object_pages import ReadablePages
from console.runs.rows import ShownRun, shown
from console.usage.shares import usage_shares
from runs import selection
from runs.selection import RunFilters
from runs.statistics.query import StatisticsFilters

_LISTED = 25


class ScriptRunsPage(ReadablePages):
    """Charts of the time that the address asks for, and the runs of this time."""

    def get_urls(self) -> list[URLPattern]:
        pages = {"runs": self.runs_page, "usage": self.usage_page}
        own = [
            path(
                f"<path:object_id>/{kind}/",
                self.admin_site.admin_view(page),
                name=f"automation_automationscript_{kind}",
            )
            for kind, page in pages.items()
        ]
        return [*own, *super().get_urls()]

    def usage_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Where the charts were."""
        script = self._viewed(request, object_id)
        query = f"?{urlencode(request.GET, doseq=True)}" if request.GET else ""
        return HttpResponseRedirect(f"{self.page_of(script, 'runs')}{query}")

    def runs_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page.

        Raises:
            PermissionDenied: the user may not view the script, or no runs.
            Http404: there is no such script, or it is a library, which has no runs of its own.
        """
        script = self._viewed(request, object_id)
        if not allows(request.user, RUN, "view"):
            raise PermissionDenied
        if script.kind == ScriptKind.LIBRARY:
            raise Http404
        chosen = ChosenRange.of(request)
        measured = MeasuredRuns.of(StatisticsFilters(script=[script.pk]), chosen)
        context: dict[str, Any] = {
            "title": _("Runs"),
            "chosen": chosen,
            "calls": calls_chart(measured, title=_("Runs")),
            "durations": durations_chart(measured),
            "waits": waits_chart(measured),
            "shares": usage_shares("definition", measured, request.user),
            "rows": _latest(request, script, chosen),
            "all_runs": runs_behind(measured.filters, chosen.since, chosen.until),
        }
        return self._answer(request, script, "console/scripts/runs.html", context)


def _latest(request: HttpRequest, script: AutomationScript, chosen: ChosenRange) -> Sequence[ShownRun]:
    filters = RunFilters(script=[str(script.pk)], since=chosen.since, until=chosen.until)
    runs, _following = selection.page(filters, None, _LISTED)
    return shown(runs, request.user)
