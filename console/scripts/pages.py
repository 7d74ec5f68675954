"""The pages of automation scripts."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import DEFINITION, allows
from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from automation.versions import ScriptKind
from console import cells
from console.attention import conditions
from console.base import CheckedAdmin
from console.blockers import count_rows
from console.lists import AUTHORSHIP_COLUMNS, AUTHORSHIP_FILTERS, choice_filter, column, with_rights
from console.scripts.code_page import CodePages
from console.scripts.completion_pages import CompletionPages
from console.scripts.forms import ScriptForm
from console.scripts.head import ScriptHead
from console.scripts.renewal_pages import RenewalPages
from console.scripts.runs_page import ScriptRunsPage
from console.scripts.use_pages import UsePages
from console.scripts.version_pages import VersionPages
from console.usage.columns import CallColumns
from definitions.models import ApiDefinition

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
    conditions.OF_SCRIPTS,
    *AUTHORSHIP_FILTERS,
)


class ScriptAdmin(
    ScriptHead,
    CodePages,
    UsePages,
    ScriptRunsPage,
    VersionPages,
    RenewalPages,
    CompletionPages,
    CallColumns,
    CheckedAdmin,
):
    """Automation scripts: the Python that APIs run."""

    form = ScriptForm
    apis_filter = "script"
    counted_as = "script"
    calls_page = "runs"
    counted_kinds = ()
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
        "last_call",
        "description",
        *AUTHORSHIP_COLUMNS,
    )
    row_page = "change"
    usual_columns = ("kind_in_a_word", "entry_points", "apis", "recent_calls", "last_call", "at_modified")
    on_tablets = ("entry_points", "apis", "recent_calls")
    on_phones = ("entry_points", "last_call")
    list_filter = FILTERS
    search_fields = ("name", "description", "=id")
    ordering = ("name",)
    delete_says = gettext_lazy("Scripts that run it as a subscript will fail. Its versions are deleted as well.")
    protected_says = gettext_lazy("In use. Remove it from these APIs or scripts first:")
    search_hint = gettext_lazy("Search by name, description or id")
    empty_icon = "code"
    empty_title = gettext_lazy("No scripts yet")
    empty_text = gettext_lazy("A script is the Python that an API runs. Start with an example.")

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def title(self, obj: AutomationScript) -> str:
        return obj.name

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
        answer = super().response_change(request, obj)
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
        answer = super().response_add(request, obj, post_url_continue)
        if obj.pending_version is not None:
            self.say_current(request, obj, None)
        return answer
