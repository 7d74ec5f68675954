"""The page to read of an API: how it is called, how it fares, and its latest runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from access.policy import DEFINITION, RUN, SCRIPT, TOKEN, AnyUser, allows
from console import cells
from console.charts.calls import calls_chart
from console.charts.chart import Chart
from console.charts.percentiles import durations_chart, waits_chart
from console.charts.tiles import Tile, tiles
from console.charts.timeline import MeasuredRuns
from console.definitions import curl
from console.definitions.columns import script_cell
from console.definitions.last_runs import Failing, RunDot, failing_state, last_runs
from console.readable import field_rows
from console.trigger_page import trigger_url
from console.usage.pages import UsagePages
from definitions.models import ApiDefinition
from runs.statistics.figures import Figures
from runs.statistics.query import summed


@dataclass(frozen=True)
class ApiCalls:
    """How an API fares in the chosen time, and its latest runs at any time."""

    measured: MeasuredRuns
    tiles: Sequence[Tile]
    calls: Chart
    durations: Chart
    waits: Chart
    dots: Sequence[RunDot]
    failing: Failing | None

    @classmethod
    def of(cls, definition: ApiDefinition, measured: MeasuredRuns, user: AnyUser) -> "ApiCalls":
        before = measured.chosen.before
        return cls(
            measured,
            list(tiles(measured, summed(measured.filters, before) if before else Figures(), None)),
            calls_chart(measured),
            durations_chart(measured),
            waits_chart(measured),
            last_runs(definition, user),
            None if definition.is_disabled else failing_state(definition.pk),
        )

    @property
    def last_at(self) -> datetime:
        """When the latest run was accepted; only where there is one."""
        return self.dots[-1].shown.run.accepted_at

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to show of it at all."""
        return not self.dots and self.calls.is_empty


class OverviewPage(UsagePages):
    """The first page of an API."""

    def readable_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How to call it, how it fares, what runs, who may call it."""
        definition, user = self._viewed(request, object_id), request.user
        measured = self.measured(request, definition) if allows(user, RUN, "view") else None
        context = {
            "title": definition,
            "url": curl.base_url() + definition.route,
            "curl": curl.curl(definition),
            **_what_runs(definition, user),
            "objectives": _objectives(definition, user),
            "chosen": measured and measured.chosen,
            "fares": measured and ApiCalls.of(definition, measured, user),
            "access_page": self.page_of(definition, "access"),
            "runs_page": self.page_of(definition, "runs"),
            "may_allow": allows(user, TOKEN, "view") and allows(user, DEFINITION, "change"),
            "try_page": trigger_url(definition) if allows(user, RUN, "add") else "",
        }
        return self._answer(request, definition, "console/definitions/overview.html", context)

    def measured(self, request: HttpRequest, obj: Any) -> MeasuredRuns:
        return replace(super().measured(request, obj), runs_page=self.page_of(obj, "runs"))

    def usage_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The former page of figures: they are on the first page.

        Raises:
            PermissionDenied: the user may not view definitions.
            Http404: there is no such definition.
        """
        definition, query = self._viewed(request, object_id), request.GET.urlencode()
        return HttpResponseRedirect(self.page_of(definition, "view") + (f"?{query}" if query else ""))


def _what_runs(definition: ApiDefinition, user: AnyUser) -> dict[str, Any]:
    """The script and the version that runs, with links for users who may view scripts."""
    script, sees_scripts = definition.script, allows(user, SCRIPT, "view")
    number = definition.script_version or (script.current_version if script else None)
    return {
        "script": script_cell(definition, is_link=sees_scripts, kind="view"),
        "running_version": number,
        "version_page": cells.version_page(script.pk, number) if script and number and sees_scripts else "",
    }


def _objectives(definition: ApiDefinition, user: AnyUser) -> list[tuple[Any, Any, bool]]:
    """The rows of the objectives that there are."""
    fields = ("objective_success_rate", "objective_p95_milliseconds")
    return field_rows(user, definition, [name for name in fields if getattr(definition, name) is not None])


def state_with_failures(definition: ApiDefinition, user: AnyUser) -> SafeString:
    """Disabled, failing or enabled; whether it fails is for users who may view runs."""
    is_failing = not definition.is_disabled and allows(user, RUN, "view") and failing_state(definition.pk) is not None
    return cells.badge(_("Failing"), "bad") if is_failing else cells.state(definition.is_disabled)
