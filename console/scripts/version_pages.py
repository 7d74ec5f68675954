"""The versions of a script: their list, one of them, what differs between two, and making another one current."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from access.flags import needed
from access.policy import DEFINITION, SCRIPT, AnyUser, allows
from automation import history
from automation.builds import BuildState, state_of
from automation.models import AutomationScript
from automation.source import contents_of
from automation.versions import ScriptVersion, content_of
from console import cells
from console.blockers import refusal_text
from console.scripts.build_pages import BuildPages
from console.scripts.build_panels import being_built
from console.scripts.comparison import compared
from console.scripts.reach import in_words, reach_of
from console.scripts.seen_form import SeenForm
from definitions.models import ApiDefinition
from definitions.publication import refused_activation
from definitions.warnings import consequences
from objects.changes import save_checked

LISTED: Final = 100


class VersionPages(BuildPages):
    """The pages of a script's versions."""

    def get_urls(self) -> list[URLPattern]:
        prefix = "automation_automationscript"
        pages: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "versions": ("versions/", self.versions_page),
            "version": ("versions/<int:number>/", self.version_page),
            "activate": ("versions/<int:number>/activate/", self.activate_page),
            "difference": ("versions/difference/", self.difference_page),
        }
        own = [
            path(f"<path:object_id>/{address}", self.admin_site.admin_view(page), name=f"{prefix}_{kind}")
            for kind, (address, page) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def versions_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All versions, the newest first."""
        script = self._viewed(request, object_id)
        rows = script.versions.annotate(size=Length("source")).prefetch_related("library_uses")
        rows = rows.select_related("build").defer("build__log", "build__requirements")
        if allows(request.user, SCRIPT, "publish"):
            rows = rows.defer("source")
        page = Paginator(rows.order_by("-number"), LISTED).get_page(request.GET.get("p"))
        versions = list(page)
        may = self._may_activate(request, script, versions)
        pinned = _pinned(request.user, script)
        shown = [(version, version.number in may, pinned.get(version.number, 0)) for version in versions]
        context = {
            "title": _("Versions"),
            "page": page,
            "versions": shown,
            "sees_apis": _sees_apis(request.user),
            "reach": reach_of(request.user, script) if may else None,
            **self.build_context(request, script),
        }
        return self._answer(request, script, "console/scripts/versions.html", context)

    def version_page(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """One version with its source."""
        script = self._viewed(request, object_id)
        version = _found(script.versions.prefetch_related("library_uses"), number)
        before = script.versions.filter(number__lt=number).values_list("number", flat=True).first()
        context = {
            "title": _("Version %d") % number,
            "version": version,
            "before": before,
            "may_activate": version.number in self._may_activate(request, script, [version]),
            "pinned": _pinned(request.user, script).get(number, 0),
            "sees_apis": _sees_apis(request.user),
            **self.build_context(request, script, version),
        }
        return self._answer(request, script, "console/scripts/version.html", context)

    def difference_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Two versions side by side; without an older one in the address, the one before the newer one."""
        script = self._viewed(request, object_id)
        numbers = list(script.versions.values_list("number", flat=True))
        new = _number(request.GET.get("new"), script.written_version)
        before = next((number for number in numbers if number < new), new)
        old = _number(request.GET.get("old"), before)
        rows = script.versions.prefetch_related("library_uses")
        found = compared(_found(rows, old), _found(rows, new))
        may_activate = self._may_activate(request, script, [found.old, found.new])
        context = {"title": _("Difference"), "numbers": numbers, "found": found, "may_activate": sorted(may_activate)}
        return self._answer(request, script, "console/scripts/difference.html", context)

    def activate_page(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """Make a version current. With GET, and where APIs would break, ask first.

        Raises:
            PermissionDenied: the user may not change scripts, or not publish what the change would publish.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        with transaction.atomic():
            # `get_object` locks the row of a script that is about to be changed.
            script = self.found(request, object_id)
            version = _found(script.versions, number)
            if refused_activation(request.user, script, version) is not None:
                raise PermissionDenied(needed(SCRIPT, "publish"))
            form = SeenForm(request.POST if request.method == "POST" else None, instance=script)
            if form.is_valid() and ("asked" in request.POST or not self._breaks(request, script, version)):
                was = script.written_version
                if self._activated(request, script, version, form):
                    return self._back_at(request, script, was)
        return self._ask(request, script, version, form)

    def _ask(
        self, request: HttpRequest, script: AutomationScript, version: ScriptVersion, form: SeenForm
    ) -> HttpResponse:
        # The script may have the content of the version by now, without being saved.
        stored = self.found(request, str(script.pk))
        missing = [name for name, library in version.libraries().items() if library is None]
        context = {
            "title": _("Make current"),
            "version": version,
            "form": form,
            "stored": stored,
            "reach": reach_of(request.user, stored),
            "missing": missing,
            "is_built_first": state_of(version) != BuildState.READY,
            "warnings": [] if missing else _consequences(request.user, self.found(request, str(script.pk)), version),
        }
        return self._answer(request, stored, "console/scripts/make_current.html", context)

    def _breaks(self, request: HttpRequest, script: AutomationScript, version: ScriptVersion) -> bool:
        return bool(_consequences(request.user, self.found(request, str(script.pk)), version))

    def _activated(
        self, request: HttpRequest, script: AutomationScript, version: ScriptVersion, form: SeenForm
    ) -> bool:
        try:
            history.go_back(script, version)
            save_checked(script, by=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, refusal_text(request.user, error))
            return False
        said = "Made version {} current{}."
        waits = " as soon as it is built" if script.pending_version else ""
        self.log_change(request, script, said.format(version.number, waits))
        return True

    def offer_way_back(self, request: HttpRequest, script: AutomationScript) -> None:
        """After a save that has made a version, name it, and offer the one before it."""
        number = script.current_version or 0
        before = script.versions.filter(number__lt=number).values_list("number", flat=True).first()
        self.say_current(request, script, before)

    def say_current(self, request: HttpRequest, script: AutomationScript, was: int | None) -> None:
        """Say which version is current, and offer to go back to the one that was; or that one is being built."""
        if script.pending_version is not None:
            self.message_user(request, being_built(script), messages.INFO)
            return
        text = format_html("{}", _("Version %d is current.") % (script.current_version or 0))
        if was is not None and was != script.current_version:
            back = reverse("admin:automation_automationscript_activate", args=[script.pk, was])
            text = format_html("{} {}", text, cells.offer(back, _("Go back to version %d") % was))
        self.message_user(request, text, messages.SUCCESS)

    def _back_at(self, request: HttpRequest, script: AutomationScript, was: int | None) -> HttpResponse:
        self.say_current(request, script, was)
        return HttpResponseRedirect(cells.page_of(script, "versions"))

    def _may_activate(
        self, request: HttpRequest, script: AutomationScript, versions: Sequence[ScriptVersion]
    ) -> set[int]:
        """The numbers of those that the user may make current."""
        if not self.has_change_permission(request):
            return set()
        others = [version for version in versions if version.number != script.written_version]
        if not allows(request.user, SCRIPT, "publish"):
            # One process reads all of them, which the rule then knows.
            contents_of([version.source for version in others])
        return {each.number for each in others if refused_activation(request.user, script, each) is None}


def _consequences(user: AnyUser, script: AutomationScript, version: ScriptVersion) -> Any:
    # Not `go_back`, which holds up everybody who saves libraries.
    for column, value in content_of(version).items():
        setattr(script, column, value)
    return in_words(user, consequences(script))


def _pinned(user: AnyUser, script: AutomationScript) -> dict[int, int]:
    """How many APIs are pinned to each version, for users who may view them."""
    if not _sees_apis(user):
        return {}
    pinned = ApiDefinition.objects.filter(script=script).exclude(script_version=None).order_by()
    return dict(pinned.values_list("script_version").annotate(Count("pk")))


def _sees_apis(user: AnyUser) -> bool:
    return allows(user, DEFINITION, "view")


def _found(versions: "QuerySet[ScriptVersion]", number: int) -> ScriptVersion:
    version = versions.filter(number=number).first()
    if version is None:
        raise Http404
    return version


def _number(text: str | None, otherwise: int | None) -> int:
    """The number in an address.

    Raises:
        Http404: it is none.
    """
    if text is None and otherwise is not None:
        return otherwise
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Http404
    return int(text)
