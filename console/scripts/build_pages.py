"""The build of a version: to be watched, and begun again; and resolving the packages of a script anew."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from access.flags import needed
from access.policy import SCRIPT
from automation.models import AutomationScript
from automation.rebuilds import build_again
from automation.renewal import renew
from automation.versions import ScriptVersion
from console import cells
from console.blockers import refusal_text
from console.object_pages import ReadablePages
from console.scripts.build_panels import current_packages, panel_of, pending_panel
from console.scripts.reach import reach_of
from console.scripts.seen_form import SeenForm
from definitions.publication import refused_activation, refused_renewal


class BuildPages(ReadablePages):
    """The pages of builds."""

    def get_urls(self) -> list[URLPattern]:
        prefix = "automation_automationscript"
        pages: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "build": ("versions/<int:number>/build/", self.build_page),
            "resolve": ("resolve/", self.resolve_page),
        }
        own = [
            path(f"<path:object_id>/{address}", self.admin_site.admin_view(page), name=f"{prefix}_{kind}")
            for kind, (address, page) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def readable_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """The build that the script waits for, and the packages of the version that runs."""
        return {
            **super().readable_context(request, obj),
            **self.build_context(request, obj),
            "packages": current_packages(obj),
            "may_renew_packages": self._may_resolve(request, obj),
        }

    def build_context(
        self, request: HttpRequest, script: AutomationScript, version: ScriptVersion | None = None
    ) -> dict[str, Any]:
        """What a page shows of a build: that of `version`, or of the one that the script waits for."""
        panel = panel_of(script, version) if version else pending_panel(script)
        if panel is None:
            return {"panel": None}
        return {
            "panel": panel,
            "may_build": self._may_build(request, script, panel.version),
            "may_resolve": self._may_resolve(request, script) and panel.version.number == script.written_version,
        }

    def build_page(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """The part of a page that shows the build. With POST, begin one that has failed again.

        Raises:
            PermissionDenied: the user may not change scripts, or not publish what the build would publish.
        """
        if request.method == "POST":
            return self._build_again(request, object_id, number)
        script = self._viewed(request, object_id)
        version = _found(script, number)
        context = self.build_context(request, script, version)
        if context["panel"] is None:
            raise Http404
        return TemplateResponse(request, "console/scripts/build.html", context | {"original": script})

    def _build_again(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        with transaction.atomic():
            # `get_object` locks the row of a script that is about to be changed.
            script = self.found(request, object_id)
            version = _found(script, number)
            if not self._may_build(request, script, version):
                raise PermissionDenied(needed(SCRIPT, "publish"))
            try:
                is_begun = build_again(script, version, request.user.get_username())
            except ValidationError as error:
                self.message_user(request, refusal_text(request.user, error), messages.ERROR)
            else:
                if is_begun:
                    self.log_change(request, script, f"Built version {number} again.")
        return HttpResponseRedirect(cells.version_page(script.pk, number))

    def resolve_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then save a script with the newest versions of its packages that fit, and of its libraries.

        Raises:
            PermissionDenied: the user may not change scripts, or not publish what the change would publish.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        with transaction.atomic():
            script = self.found(request, object_id)
            if not self._may_resolve(request, script):
                raise PermissionDenied(needed(SCRIPT, "publish"))
            form = SeenForm(request.POST if request.method == "POST" else None, instance=script)
            if form.is_valid():
                try:
                    resolved = renew(script, request.user.get_username(), with_packages=True)
                except ValidationError as error:
                    form.add_error(None, refusal_text(request.user, error))
                else:
                    return self._resolved(request, script, resolved)
        stored = self.found(request, object_id)
        context = {"title": _("Resolve again"), "form": form, "stored": stored, "reach": reach_of(request.user, stored)}
        return self._answer(request, stored, "console/scripts/resolve.html", context)

    def _resolved(self, request: HttpRequest, script: AutomationScript, resolved: bool) -> HttpResponse:
        if not resolved:
            self.message_user(
                request,
                _("The script needs no packages. Nothing was saved."),
                messages.INFO,
            )
            return HttpResponseRedirect(cells.page_of(script))
        self.log_change(request, script, "Resolved its packages again.")
        return HttpResponseRedirect(cells.version_page(script.pk, script.written_version))

    def _may_build(self, request: HttpRequest, script: AutomationScript, version: ScriptVersion) -> bool:
        return self.has_change_permission(request) and refused_activation(request.user, script, version) is None

    def _may_resolve(self, request: HttpRequest, script: AutomationScript) -> bool:
        return self.has_change_permission(request) and refused_renewal(request.user, script) is None


def _found(script: AutomationScript, number: int) -> ScriptVersion:
    version: ScriptVersion | None = script.versions.filter(number=number).first()
    if version is None:
        raise Http404
    return version
