"""The pages of automation scripts."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import DEFINITION, allows
from automation.models import AutomationScript
from console.base import AUTHORSHIP, CheckedAdmin
from console.blockers import count_rows, name_definitions, used_by
from console.lists import AUTHORSHIP_COLUMNS, ObjectList
from console.scripts import analysis
from console.scripts.columns import ScriptColumns
from console.scripts.filters import FILTERS
from console.scripts.forms import ScriptForm
from console.scripts.templates import template, templates
from definitions.models import ApiDefinition


class ScriptAdmin(ScriptColumns, ObjectList, CheckedAdmin):
    """Automation scripts: the Python that APIs run."""

    form = ScriptForm
    used_through = "api_definitions"
    content: ClassVar = ("name", "description", "source", "parameters", "timeout_seconds", "memory_limit_mb", "reuse")
    readonly_fields = (*AUTHORSHIP, "source_to_read", "parameters_to_read")
    change_form_template = "console/scripts/form.html"
    list_filter = FILTERS
    search_fields = ("name", "description", "=id")
    ordering = ("name",)
    warn_unsaved_form = True
    delete_says = gettext_lazy("Scripts that run it as a subscript fail from then on.")
    search_hint = gettext_lazy("Search by name, description or id")
    empty_icon = "code"
    empty_title = gettext_lazy("No script yet")
    empty_text = gettext_lazy("A script is the Python that an API runs. Start from one of the demo's.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AutomationScript]":
        """With the number of APIs that run each."""
        scripts: QuerySet[AutomationScript] = super().get_queryset(request)
        return scripts.annotate(api_count=count_rows(ApiDefinition.objects.all(), "script"))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Links only to what the user may look at."""
        apis = "api_link" if allows(request.user, DEFINITION, "view") else "api_count"
        return ("title", "entry_points", "parameter_names", "longest", "memory", apis, *AUTHORSHIP_COLUMNS)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """The name has its own link, beside the description."""

    def get_urls(self) -> list[URLPattern]:
        """The pages, and the check of a source."""
        check = path("check/", self.admin_site.admin_view(self.check_view), name="scripts_check")
        return [check, *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """What is found in a source that is being written; nothing is saved.

        Raises:
            PermissionDenied: the user may not write scripts, or the request is no POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        return JsonResponse(asdict(analysis.findings(request.POST.get("source", "").replace("\r\n", "\n"))))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A script of the demo may be named in the address; nothing else."""
        chosen = template(request.GET.get("template", ""))
        return {"source": chosen.source, "parameters": chosen.parameters} if chosen else {}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, with what it is used by and what to start from."""
        obj = kwargs.get("obj")
        context |= {
            "used_by": used_by(request.user, obj),
            "templates": templates() if obj is None else [],
            "may_publish": allows(request.user, DEFINITION, "view") and allows(request.user, DEFINITION, "add"),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_content(self, request: HttpRequest, obj: Any) -> Sequence[str]:
        """Who may only view gets source and parameters as they look in the form."""
        if obj is None or self.has_change_permission(request, obj):
            return self.content
        return [
            {"source": "source_to_read", "parameters": "parameters_to_read"}.get(name, name) for name in self.content
        ]

    @admin.display(description=gettext_lazy("source"))
    def source_to_read(self, obj: AutomationScript) -> str:
        """The source, line by line."""
        return format_html('<pre class="ud-source" tabindex="0">{}</pre>', obj.source)

    @admin.display(description=gettext_lazy("parameters"))
    def parameters_to_read(self, obj: AutomationScript) -> str:
        """The names of its script parameters."""
        return ", ".join(obj.parameters)

    def save_model(self, request: HttpRequest, obj: AutomationScript, form: Any, change: bool) -> None:
        """Save it, and say which APIs it no longer answers."""
        super().save_model(request, obj, form, change)
        broken = _broken_definitions(obj)
        if broken:
            text = _("These APIs call an entry point that the script does not have, and answer error 15: {}.")
            self.message_user(request, format_html(text, name_definitions(request.user, broken)), messages.WARNING)


def _broken_definitions(script: AutomationScript) -> list[ApiDefinition]:
    missing = set(ApiDefinition.entry_points.values()) - set(script.entry_points())
    actions = [action for action, entry_point in ApiDefinition.entry_points.items() if entry_point in missing]
    return list(ApiDefinition.objects.filter(script=script, action_type__in=actions))
