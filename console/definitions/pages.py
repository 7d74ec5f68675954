"""The pages of API definitions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access.policy import RUN, SCRIPT, TOKEN, allows
from console import cells
from console.definitions import curl, pickers, suggestions
from console.definitions.access_page import AccessPage
from console.definitions.bulk import ALLOW, REMOVE, BulkDefinitions
from console.definitions.columns import FILTERS, DefinitionColumns, row_items, with_columns
from console.definitions.forms import DefinitionForm
from console.definitions.overview_page import OverviewPage, state_with_failures
from console.definitions.runs_page import RunsPage
from console.definitions.settings_page import SettingsPage
from console.definitions.try_page import TryPages
from console.list_pages import RowItem
from console.lists import AUTHORSHIP_COLUMNS
from console.object_head import ObjectAction, ObjectHead, ObjectTab
from console.object_switch import SwitchedObject
from console.switches import DISABLE, ENABLE
from console.usage.columns import CallColumns
from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition
from foundation.ids import parse_uuid
from search.models import DEFINITIONS

COPIED: Final = (
    "name",
    "description",
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
)
"""What a duplicate starts with: no route, which is unique, and no token, so that nobody can call it yet."""


class DefinitionAdmin(
    OverviewPage,
    TryPages,
    RunsPage,
    AccessPage,
    SettingsPage,
    DefinitionColumns,
    CallColumns,
    BulkDefinitions,
    SwitchedObject,
):
    """API definitions: which script answers under which route, and which tokens may call it."""

    form = DefinitionForm
    counted_as = "definition"
    calls_page = "view"
    change_form_template = "console/definitions/form.html"
    tab_of_kind: ClassVar = {"change": "settings"}
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
        "script_called",
        "token_chips",
        "recent_calls",
        "last_call",
        "state",
        "method",
        "bodies_kept",
        "description",
        *AUTHORSHIP_COLUMNS,
    )
    usual_columns = ("title", "script_called", "token_chips", "recent_calls", "last_call", "state")
    on_tablets = ("script_called", "recent_calls", "state")
    on_phones = ("script_called", "last_call")
    list_filter = FILTERS
    mirrored = DEFINITIONS
    search_fields = ("route", "name", "description", "=id", "script__name")
    ordering = ("route",)
    actions = (ALLOW, REMOVE, DISABLE, ENABLE, "export_selected", "delete_selected")
    use_word = _("called")
    disable_says = _("Callers are refused at once with error 2009.")
    enable_says = _("Callers are answered again at once.")
    delete_says = _("Callers will get 404 (error 5). The script and the tokens stay.")
    search_hint = _("Search by route, name, description or script")
    empty_icon = "api"
    empty_title = _("No APIs yet")
    empty_text = _("An API publishes a script under a URL: choose a script, give it a route, allow a token.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiDefinition]":
        return with_columns(super().get_queryset(request), request.user)

    def tabs(self, request: HttpRequest, obj: Any) -> Sequence[ObjectTab]:
        runs = [ObjectTab("runs", gettext("Runs"))] if allows(request.user, RUN, "view") else []
        tried = [ObjectTab("try", gettext("Try it"))] if allows(request.user, RUN, "add") else []
        return [
            ObjectTab("view", gettext("Overview")),
            *tried,
            *runs,
            ObjectTab("access", gettext("Access"), AllowedToken.objects.filter(definition=obj.pk).count()),
            ObjectTab("settings", gettext("Settings")),
            ObjectTab("history", gettext("Changes")),
        ]

    def head_of(self, request: HttpRequest, obj: Any) -> ObjectHead:
        return replace(super().head_of(request, obj), state=state_with_failures(obj, request.user))

    def actions_on(self, request: HttpRequest, obj: Any) -> Sequence[ObjectAction]:
        tried = ObjectAction(gettext("Try it"), self.page_of(obj, "try"), "play_arrow", is_primary=True)
        # The list of runs is a tab.
        others = [action for action in super().actions_on(request, obj) if action.icon != "receipt_long"]
        return [*([tried] if allows(request.user, RUN, "add") else []), *others]

    def further_actions(self, request: HttpRequest, obj: Any) -> Sequence[ObjectAction]:
        user, found = request.user, []
        if allows(user, RUN, "view") and allows(user, RUN, "replay"):
            found.append(
                ObjectAction(gettext("Run the last calls again…"), reverse("admin:run_series", args=[obj.pk]), "replay")
            )
        if self.has_add_permission(request) and allows(user, SCRIPT, "view"):
            like = f"{reverse('admin:definitions_apidefinition_add')}?like={obj.pk}"
            found.append(ObjectAction(gettext("Duplicate"), like, "content_copy"))
        return found

    def name_of(self, obj: ApiDefinition) -> str:
        """Several APIs may share a name, but not a route."""
        return f"{obj.name} ({obj.route})" if obj.name else obj.route

    def noun(self, count: int) -> str:
        return ngettext("API", "APIs", count)

    def further_items(self, request: HttpRequest) -> Sequence[RowItem]:
        return [*row_items(request.user), *super().further_items(request)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Users who may not view tokens cannot change those of a definition."""
        return self.content if allows(request.user, TOKEN, "view") else self.content[:-1]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The address may name a script, or an API that the new one is to be like."""
        script, like = request.GET.get("script", ""), parse_uuid(request.GET.get("like", ""))
        if not allows(request.user, SCRIPT, "view"):
            return {}
        if like and (found := ApiDefinition.objects.filter(pk=like).first()):
            return model_to_dict(found, fields=COPIED)
        return suggestions.for_script(script) if script else {}

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

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The page of the new API, with a message that offers a first call."""
        if request.POST.keys() & {"_continue", "_addanother", "_popup"}:
            return super().response_add(request, obj, post_url_continue)
        text = gettext("%s is published.") % self.name_of(obj)
        offer = cells.offer(self.page_of(obj, "try"), gettext("Try it")) if allows(request.user, RUN, "add") else ""
        self.message_user(request, format_html("{} {}", text, offer), messages.SUCCESS)
        return self.response_post_save_add(request, obj)

    def store(self, obj: ApiDefinition, form: Any, by: str) -> None:
        """Save the definition and, where the form has them, its tokens."""
        save_definition(obj, by, form.cleaned_data.get("allowed_tokens"))
