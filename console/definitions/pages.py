"""The pages of API definitions."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from access.policy import MESSAGE, SCRIPT, TOKEN, allows
from console.base import AUTHORSHIP, CheckedAdmin
from console.definitions import curl, pickers
from console.definitions.columns import DefinitionColumns, with_columns
from console.definitions.filters import FILTERS
from console.definitions.forms import DefinitionForm
from console.lists import AUTHORSHIP_COLUMNS, ObjectList
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from search.models import DEFINITIONS

_PARTS = {
    "check-route": pickers.check_route,
    "pick-script": pickers.pick_script,
    "show-script": pickers.show_script,
    "pick-tokens": pickers.pick_tokens,
}


class DefinitionAdmin(DefinitionColumns, ObjectList, CheckedAdmin):
    """API definitions: which script answers under which route, and who may call it."""

    form = DefinitionForm
    change_form_template = "console/definitions/form.html"
    content: ClassVar = (
        "route",
        "name",
        "description",
        "script",
        "action_type",
        "input_type",
        "allowed_tokens",
    )
    readonly_fields: ClassVar = (*AUTHORSHIP, "allowed_token_ids")
    list_filter = FILTERS
    mirrored = DEFINITIONS
    search_fields = ("route", "name", "description", "=id", "script__name")
    ordering = ("route",)
    warn_unsaved_form = True
    delete_says = _("Callers of it get error 5 (404) from the very next request on. Its script and its tokens stay.")
    search_hint = _("Search by route, name, description or script")
    empty_icon = "api"
    empty_title = _("No API yet")
    empty_text = _("An API publishes a script under a URL: pick a script, give it a route, allow a token.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiDefinition]":
        """With what the list shows of each."""
        return with_columns(super().get_queryset(request), request.user)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Links only to what the user may look at."""
        script = "script_link" if allows(request.user, SCRIPT, "view") else "script_name"
        tokens = "token_links" if allows(request.user, TOKEN, "view") else "token_ids"
        address = "address_to_try" if allows(request.user, MESSAGE, "send") else "address"
        return (address, "title", script, "method", tokens, *AUTHORSHIP_COLUMNS)

    def name_of(self, obj: ApiDefinition) -> str:
        """The route tells it from others of its name."""
        return f"{obj.name} ({obj.route})" if obj.name else obj.route

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """The address has its own link, beside its buttons."""

    def get_content(self, request: HttpRequest, obj: Any) -> Sequence[str]:
        """Who may not view tokens sees their ids, as the definition has them, and cannot change them."""
        if allows(request.user, TOKEN, "view"):
            return self.content
        return [*self.content[:-1], *(["allowed_token_ids"] if obj else [])]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A script may be given in the address; nothing else."""
        script = request.GET.get("script")
        return {"script": script} if script else {}

    @admin.display(description=_("allowed tokens"))
    def allowed_token_ids(self, obj: ApiDefinition) -> str:
        """The ids of the tokens that it allows."""
        return ", ".join(map(str, obj.allowed_tokens.order_by("pk").values_list("pk", flat=True)))

    def get_urls(self) -> list[URLPattern]:
        """The pages, and the parts of the form."""
        parts = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"definitions_{name.replace('-', '_')}")
            for name, view in _PARTS.items()
        ]
        return [*parts, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, with what stands before the route."""
        context |= {"base_url": curl.base_url(), "may_add_tokens": allows(request.user, TOKEN, "add")}
        return super().render_change_form(request, context, *args, **kwargs)

    def store(self, obj: ApiDefinition, form: Any, by: str) -> None:
        """Save the definition together with its tokens, where the form has them."""
        save_definition(obj, by, form.cleaned_data.get("allowed_tokens"))
