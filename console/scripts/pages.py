"""The pages of automation scripts."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import policy
from access.policy import CREDENTIAL, DEFINITION, SCRIPT, allows
from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from automation.versions import ScriptKind
from console import cells
from console.base import CheckedAdmin
from console.blockers import count_rows
from console.lists import AUTHORSHIP_COLUMNS, AUTHORSHIP_FILTERS, choice_filter, column, with_rights
from console.run_actions import wire
from console.scripts import analysis
from console.scripts.completion_pages import CompletionPages, known_names
from console.scripts.forms import ScriptForm
from console.scripts.reach import in_words, reach_of
from console.scripts.renewal_pages import RenewalPages
from console.scripts.version_pages import VersionPages
from console.usage.columns import CallColumns
from definitions.models import ApiDefinition
from foundation.limits import LARGEST_TRIGGER_BODY

FILTERS = (
    choice_filter(
        "kind",
        gettext_lazy("kind"),
        {
            "script": (gettext_lazy("script"), Q(kind=ScriptKind.SCRIPT)),
            "library": (gettext_lazy("library"), Q(kind=ScriptKind.LIBRARY)),
        },
    ),
    choice_filter(
        "entry",
        gettext_lazy("entry point"),
        {ON_API_TRIGGER: (ON_API_TRIGGER, Q(has_api_trigger=True)), RUN: (RUN, Q(has_run=True))},
    ),
    choice_filter(
        "use",
        gettext_lazy("use"),
        {
            "used": (gettext_lazy("published as an API"), Q(api_count__gt=0)),
            "unused": (gettext_lazy("not published"), Q(api_count=0)),
        },
    ),
    *AUTHORSHIP_FILTERS,
)


class ScriptAdmin(VersionPages, RenewalPages, CompletionPages, CallColumns, CheckedAdmin):
    """Automation scripts: the Python that APIs run."""

    form = ScriptForm
    apis_filter = "script"
    counted_as = "script"
    counted_kinds = ()
    counted_title = gettext_lazy("Runs")
    content: ClassVar = (
        "name",
        "description",
        "kind",
        "source",
        "parameters",
        "timeout_seconds",
        "memory_limit_mb",
        "reuse",
    )
    readable_template = "console/scripts/view.html"
    further_rows = ("has_api_trigger", "current_version", "versions", "credentials", "api_definitions")
    change_form_template = "console/scripts/form.html"
    list_display = (
        "title",
        "kind_in_a_word",
        "entry_points",
        "parameter_names",
        "longest",
        "memory",
        "apis",
        "recent_calls",
        *AUTHORSHIP_COLUMNS,
    )
    list_filter = FILTERS
    search_fields = ("name", "description", "=id")
    ordering = ("name",)
    warn_unsaved_form = True
    delete_says = gettext_lazy("Scripts that run it as a subscript will fail. Its versions are deleted as well.")
    protected_says = gettext_lazy("In use. Remove it from these APIs or scripts first:")
    search_hint = gettext_lazy("Search by name, description or id")
    empty_icon = "code"
    empty_title = gettext_lazy("No scripts yet")
    empty_text = gettext_lazy("A script is the Python that an API runs. Start with an example.")

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def title(self, obj: AutomationScript) -> SafeString:
        name = format_html('<a class="ud-url-text" href="{}">{}</a>', cells.page_of(obj), obj.name)
        if obj.kind == ScriptKind.LIBRARY:
            # For lists that have no room for a column of its own.
            name = format_html('{} <span class="ud-kind">{}</span>', name, self.kind_in_a_word(obj))
        return cells.two_lines(name, obj.description)

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_in_a_word(self, obj: AutomationScript) -> object:
        return cells.badge(_("Library"), "info") if obj.kind == ScriptKind.LIBRARY else _("Script")

    @admin.display(description=gettext_lazy("entry points"), ordering="has_api_trigger")
    def entry_points(self, obj: AutomationScript) -> SafeString:
        return cells.codes(obj.entry_points()) if obj.entry_points() else cells.muted("-")

    @admin.display(description=gettext_lazy("parameters"))
    def parameter_names(self, obj: AutomationScript) -> SafeString:
        return cells.codes(obj.parameters) if obj.parameters else cells.muted("-")

    longest = column("timeout_seconds", gettext_lazy("time-out"), "{} s".format)
    memory = column("memory_limit_mb", gettext_lazy("memory"), "{} MB".format)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AutomationScript]":
        sees_apis = allows(request.user, DEFINITION, "view")
        scripts: QuerySet[AutomationScript] = with_rights(super().get_queryset(request), sees_apis=sees_apis)
        return scripts.annotate(api_count=count_rows(ApiDefinition.objects.all(), "script"))

    def has_usage(self, obj: AutomationScript) -> bool:
        return obj.kind == ScriptKind.SCRIPT

    def get_urls(self) -> list[URLPattern]:
        check = path("check/", self.admin_site.admin_view(self.check_view), name="scripts_check")
        return [check, *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """The findings in a source that is being written. Nothing is saved.

        Raises:
            PermissionDenied: the user may not write scripts, or the request is no POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        source = request.POST.get("source", "").replace("\r\n", "\n")
        return JsonResponse(analysis.findings(source, request.POST.get("kind", ""), request.POST.get("name", "")))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The address may name an example script, or the kind of a library, and nothing else."""
        if request.GET.get("kind") == ScriptKind.LIBRARY:
            return {"kind": ScriptKind.LIBRARY, "source": analysis.NEW_LIBRARY}
        name = request.GET.get("template", "")
        chosen = [example for example in analysis.usable_examples() if example.name == name] if name else []
        return {"source": chosen[0].source, "parameters": list(chosen[0].parameters)} if chosen else {}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        script, form = kwargs.get("obj"), context["adminform"].form
        context |= {
            "templates": [] if script else analysis.usable_examples(),
            "may_publish": allows(request.user, DEFINITION, "view") and allows(request.user, DEFINITION, "add"),
            "may_try": allows(request.user, SCRIPT, "try"),
            "largest_body": LARGEST_TRIGGER_BODY,
            "run_page": wire.address_of("run") if allows(request.user, policy.RUN, "view") else "",
            "warnings": in_words(request.user, form.consequences),
            "known_names": known_names(request.user, script),
        }
        if form.consequences:
            context["errors"] = ErrorList()
        if script is not None:
            # The form may have filled the script with what was not saved.
            stored = AutomationScript.objects.get(pk=script.pk)
            context |= self.libraries_of(request, stored)
            sees_credentials = allows(request.user, CREDENTIAL, "view")
            context["credentials"] = stored.credentials.order_by("name") if sees_credentials else ()
            context |= {
                "save_says": reach_of(request.user, stored).at_save(),
                "stored_version": stored.written_version,
                **self.readable_context(request, stored),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What the history says: the changed fields, and the version that the save has made of them."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        fields = [str(form.fields[name].label) for name in form.changed_data if name != "version_note"]
        if not fields:
            return []
        script = form.instance
        made = {"name": _("version"), "object": str(script.written_version)} if script.version_change else {}
        return [{"changed": {**made, "fields": fields}}]

    def response_change(self, request: HttpRequest, obj: AutomationScript) -> HttpResponse:
        """Say what the save has done: the version, the way back, the note, and the scripts that import it."""
        answer = self._or_build(request, obj, super().response_change(request, obj))
        if obj.version_change:
            self.offer_way_back(request, obj)
        elif request.POST.get("version_note", "").strip():
            text = _(
                "Source, parameters and limits are unchanged, so there is no new version, and the note is not kept."
            )
            self.message_user(request, text, messages.WARNING)
        if obj.kind == ScriptKind.LIBRARY and obj.version_change:
            self.offer_renewal(request, obj)
        return answer

    def response_add(self, request: HttpRequest, obj: AutomationScript, post_url_continue: Any = None) -> HttpResponse:
        """Say of a script with packages that it is being built."""
        answer = self._or_build(request, obj, super().response_add(request, obj, post_url_continue))
        if obj.pending_version is not None:
            self.say_current(request, obj, None)
        return answer

    def _or_build(self, request: HttpRequest, script: AutomationScript, answer: HttpResponse) -> HttpResponse:
        """The page that shows the build which a save has begun, in place of the list."""
        if (
            not script.version_change
            or script.pending_version is None
            or not {"_continue", "_addanother"}.isdisjoint(request.POST)
        ):
            return answer
        return HttpResponseRedirect(cells.version_page(script.pk, script.pending_version))
