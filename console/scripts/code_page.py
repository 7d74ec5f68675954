"""The page *Code* of a script: the editor with its panel, and the settings in the same form."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from access import policy
from access.policy import SCRIPT, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind
from console.blockers import used_by
from console.object_pages import ReadablePages
from console.readable import rows_of
from console.run_actions import wire
from console.scripts import analysis
from console.scripts.completion_pages import known_names
from console.scripts.head import SETTINGS, chosen_part, settings_rows
from console.scripts.reach import in_words, reach_of
from console.scripts.save_forecast import forecast
from console.scripts.use_pages import calling_scripts, importing_scripts
from foundation.limits import LARGEST_TRIGGER_BODY


class CodePages(ReadablePages):
    """The editor; users who may not change scripts read the source in the same place."""

    build_context: Callable[..., dict[str, Any]]
    """Comes from `BuildPages`."""

    def get_urls(self) -> list[URLPattern]:
        check = path("check/", self.admin_site.admin_view(self.check_view), name="scripts_check")
        return [check, *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """The findings in a source that is being written, and what its save would do to APIs. Nothing is saved.

        Raises:
            PermissionDenied: the user may not write scripts, or the request is no POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        typed = request.POST.dict()
        source = typed.get("source", "").replace("\r\n", "\n")
        found = analysis.findings(source, typed.get("kind", ""), typed.get("name", ""))
        return JsonResponse(found | forecast(request.user, typed, source, compiles=not found["message"]))

    def readable_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The source to be read; those who may change it are led to the editor."""
        script = self._viewed(request, object_id)
        if self.has_change_permission(request):
            query = f"?{urlencode(request.GET, doseq=True)}" if request.GET else ""
            return HttpResponseRedirect(f"{self.page_of(script, 'change')}{query}")
        context = {
            "title": _("Code"),
            "rows": rows_of(request.user, script, settings_rows()),
            **self.bench_context(request, script),
        }
        return self._answer(request, script, "console/scripts/view.html", context)

    def bench_context(self, request: HttpRequest, script: AutomationScript | None, form: Any = None) -> dict[str, Any]:
        """What the editor's panel shows, whether or not the user may edit."""
        known = {
            "part": chosen_part(request, form),
            "known_names": known_names(request.user, script),
            "may_try": allows(request.user, SCRIPT, "try"),
        }
        if script is None:
            return known
        build = self.build_context(request, script)
        first = "build" if build["panel"] else "run" if known["may_try"] and form is not None else "problems"
        return {
            **known,
            **build,
            "first_tab": first if form is not None or first == "build" else "used-by",
            "used_by": used_by(request.user, script),
            "users": importing_scripts(script),
            "calling": calling_scripts(script),
            "stored_version": script.written_version,
            "is_library": script.kind == ScriptKind.LIBRARY,
        }

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The address may name an example script, or the kind of a library, and nothing else."""
        if request.GET.get("kind") == ScriptKind.LIBRARY:
            return {"kind": ScriptKind.LIBRARY, "source": analysis.NEW_LIBRARY}
        name = request.GET.get("template", "")
        chosen = [example for example in analysis.usable_examples() if example.name == name] if name else []
        if not chosen:
            return {"source": analysis.NEW_SCRIPT}
        return {"source": chosen[0].source, "parameters": list(chosen[0].parameters)}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        script, form = kwargs.get("obj"), context["adminform"].form
        # The form may have filled the script with what was not saved.
        stored = AutomationScript.objects.get(pk=script.pk) if script is not None else None
        context |= {
            "title": _("Code") if stored else _("New script"),
            "templates": [] if stored else analysis.usable_examples(),
            "largest_body": LARGEST_TRIGGER_BODY,
            "run_page": wire.address_of("run") if allows(request.user, policy.RUN, "view") else "",
            "warnings": in_words(request.user, form.consequences),
            **self.bench_context(request, stored, form),
        }
        if stored is not None:
            context["save_says"] = reach_of(request.user, stored).at_save()
        if form.consequences:
            context["errors"] = ErrorList()
        return super().render_change_form(request, context, *args, **kwargs)

    def response_post_save_change(self, request: HttpRequest, obj: AutomationScript) -> HttpResponseRedirect:
        """Return to the part of the page from which the user saved."""
        answer = super().response_post_save_change(request, obj)
        if request.GET.get("tab") == SETTINGS:
            answer["Location"] += f"{'&' if '?' in answer['Location'] else '?'}tab={SETTINGS}"
        return answer
