"""The pages of what a script has to do with: its dependencies, its uses, and the credentials that it may read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.policy import CREDENTIAL, DEFINITION, RUN, SCRIPT, AnyUser, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind
from console import cells
from console.blockers import LISTED
from console.charts.scales import short_number
from console.charts.sparklines import OF_CLIENTS, Sparkline, sparklines
from console.object_pages import ReadablePages
from console.scripts.build_panels import current_panel
from console.scripts.reach import users_of
from definitions.models import ApiDefinition
from runs.statistics.periods import Period, Step

_FULL_HOURS: Final = timedelta(hours=23)
"""The present hour is counted as well, and is not full."""


@dataclass(frozen=True)
class UsingApi:
    """An API that runs the script. The sparkline of its calls is for users who may view runs."""

    definition: ApiDefinition
    line: Sparkline | None = None

    @property
    def page(self) -> str:
        return cells.page_of(self.definition)

    @property
    def calls(self) -> str:
        return short_number(self.line.calls) if self.line else ""

    @property
    def failures(self) -> str:
        return short_number(self.line.failures) if self.line and self.line.failures else ""


def importing_scripts(script: AutomationScript) -> Sequence[tuple[AutomationScript, int]]:
    """The scripts that import a library, with the version that each uses; none for another script."""
    return users_of(script) if script.kind == ScriptKind.LIBRARY else []


def calling_scripts(script: AutomationScript) -> Sequence[AutomationScript]:
    """The scripts whose source runs a subscript and has the name of this one in quotes."""
    if not script.has_run or script.kind == ScriptKind.LIBRARY:
        return []
    quoted = Q(source__contains=f'"{script.name}"') | Q(source__contains=f"'{script.name}'")
    calling = AutomationScript.objects.exclude(pk=script.pk).filter(quoted, source__contains="run_subscript(")
    return list(calling.only("id", "name", "description").order_by("name")[:LISTED])


def using_apis(user: AnyUser, script: AutomationScript) -> list[UsingApi]:
    """The first APIs that run the script, with their calls of 24 hours, for users who may view APIs."""
    found = list(ApiDefinition.objects.filter(script=script.pk).order_by("route")[:LISTED])
    if not found or not allows(user, RUN, "view"):
        return [UsingApi(each) for each in found]
    now = timezone.now()
    period = Period.of(now - _FULL_HOURS, now, Step.HOUR)
    lines = sparklines("definition", [each.pk for each in found], period, OF_CLIENTS)
    return [UsingApi(each, lines[each.pk]) for each in found]


class UsePages(ReadablePages):
    """The pages Dependencies, Uses and Credentials."""

    libraries_of: Callable[[HttpRequest, AutomationScript], dict[str, Any]]
    """Comes from `RenewalPages`."""

    def get_urls(self) -> list[URLPattern]:
        pages = {"dependencies": self.dependencies_page, "uses": self.uses_page, "credentials": self.credentials_page}
        own = [
            path(
                f"<path:object_id>/{kind}/",
                self.admin_site.admin_view(page),
                name=f"automation_automationscript_{kind}",
            )
            for kind, page in pages.items()
        ]
        return [*own, *super().get_urls()]

    def dependencies_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The libraries that the script imports, its packages, and how far their build is on each node."""
        script = self._viewed(request, object_id)
        context = {
            "title": _("Dependencies"),
            **self.libraries_of(request, script),
            **self.readable_context(request, script),
            "current": current_panel(script),
        }
        return self._answer(request, script, "console/scripts/dependencies.html", context)

    def uses_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Which APIs run the script, and which scripts import it or run it as a subscript."""
        script = self._viewed(request, object_id)
        sees_apis = allows(request.user, DEFINITION, "view")
        apis = ApiDefinition.objects.filter(script=script.pk)
        context = {
            "title": _("Uses"),
            "is_library": script.kind == ScriptKind.LIBRARY,
            "sees_apis": sees_apis,
            "apis": using_apis(request.user, script) if sees_apis else [],
            "api_ids": [] if sees_apis else apis.order_by("pk").values_list("pk", flat=True)[:LISTED],
            "api_count": apis.count(),
            "most": LISTED,
            "calling": calling_scripts(script),
            "sees_runs": allows(request.user, RUN, "view"),
            "may_publish": sees_apis and allows(request.user, DEFINITION, "add"),
            **self.libraries_of(request, script),
        }
        return self._answer(request, script, "console/scripts/uses_page.html", context)

    def credentials_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The credentials that the script may read.

        Raises:
            PermissionDenied: the user may not view the script, or no credentials.
            Http404: it is a library, which reads with the rights of the script that imports it.
        """
        script = self._viewed(request, object_id)
        if not allows(request.user, CREDENTIAL, "view"):
            raise PermissionDenied
        if script.kind == ScriptKind.LIBRARY:
            raise Http404
        context = {
            "title": _("Credentials"),
            "credentials": script.credentials.order_by("name"),
            "may_grant": allows(request.user, CREDENTIAL, "change"),
            "may_add": allows(request.user, CREDENTIAL, "add"),
            "credentials_list": reverse("admin:automation_credential_changelist"),
            "may_try": allows(request.user, SCRIPT, "try"),
        }
        return self._answer(request, script, "console/scripts/credentials_page.html", context)
