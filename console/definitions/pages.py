"""The pages of API definitions."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from access.policy import TOKEN, allows
from console.definitions import curl, pickers
from console.definitions.columns import FILTERS, DefinitionColumns, with_columns
from console.definitions.forms import DefinitionForm
from console.lists import AUTHORSHIP_COLUMNS
from console.switches import SwitchPages
from console.usage.columns import CallColumns
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from search.models import DEFINITIONS


class DefinitionAdmin(DefinitionColumns, CallColumns, SwitchPages):
    """API definitions: which script answers under which route, and which tokens may call it."""

    form = DefinitionForm
    counted_as = "definition"
    shared_by = "token"
    change_form_template = "console/definitions/form.html"
    change_list_template = "console/definitions/list.html"
    content: ClassVar = (
        "route",
        "name",
        "description",
        "is_disabled",
        "script",
        "script_version",
        "action_type",
        "input_type",
        "content_types",
        "keep_bodies",
        "max_concurrent",
        "objective_success_rate",
        "objective_p95_milliseconds",
        "server_timing",
        "allowed_tokens",
    )
    list_display = (
        "address",
        "title",
        "state",
        "script_called",
        "method",
        "token_chips",
        "recent_calls",
        *AUTHORSHIP_COLUMNS,
    )
    list_filter = FILTERS
    mirrored = DEFINITIONS
    search_fields = ("route", "name", "description", "=id", "script__name")
    ordering = ("route",)
    warn_unsaved_form = True
    delete_says = _("Callers will get 404 (error 5). The script and the tokens stay.")
    search_hint = _("Search by route, name, description or script")
    empty_icon = "api"
    empty_title = _("No APIs yet")
    empty_text = _("An API publishes a script under a URL: choose a script, give it a route, allow a token.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiDefinition]":
        return with_columns(super().get_queryset(request), request.user)

    def name_of(self, obj: ApiDefinition) -> str:
        """Several APIs may share a name, but not a route."""
        return f"{obj.name} ({obj.route})" if obj.name else obj.route

    def noun(self, count: int) -> str:
        return ngettext("API", "APIs", count)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Users who may not view tokens cannot change those of a definition."""
        return self.content if allows(request.user, TOKEN, "view") else self.content[:-1]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The address may name a script, and nothing else."""
        script = request.GET.get("script")
        return {"script": script} if script else {}

    def get_urls(self) -> list[URLPattern]:
        views = (
            pickers.check_route,
            pickers.pick_script,
            pickers.show_script,
            pickers.show_versions,
            pickers.pick_tokens,
        )
        parts = [
            path(f"{name.replace('_', '-')}/", self.admin_site.admin_view(view), name=f"definitions_{name}")
            for name, view in ((view.__name__, view) for view in views)
        ]
        return [*parts, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context |= {"base_url": curl.base_url(), "may_add_tokens": allows(request.user, TOKEN, "add")}
        if kwargs.get("obj") is None:
            context["title"] = _("Publish as API")
        return super().render_change_form(request, context, *args, **kwargs)

    def store(self, obj: ApiDefinition, form: Any, by: str) -> None:
        """Save the definition and, where the form has them, its tokens."""
        save_definition(obj, by, form.cleaned_data.get("allowed_tokens"))
