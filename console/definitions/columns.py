"""The columns and filters of the list of definitions."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access import policy
from access.policy import DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from automation.source import RUN
from console import cells
from console.attention import conditions
from console.blockers import count_rows
from console.definitions import curl
from console.list_pages import RowItem
from console.lists import AUTHORSHIP_FILTERS, STATE_FILTER, NamedFilter, NamedModel, choice_filter, with_rights
from console.trigger_page import trigger_url
from definitions.models import ActionType, AllowedToken, ApiDefinition, InputType, KeepBodies
from runs.models import FailingApi
from tokens.models import ApiToken

TOKENS_SHOWN = 1


def with_columns(definitions: "QuerySet[ApiDefinition]", user: AnyUser) -> "QuerySet[ApiDefinition]":
    """The definitions with what a row needs, in a number of queries that does not grow with the rows."""
    first = ApiToken.objects.only("id", "name", "is_disabled").order_by(*token_order(user))[:TOKENS_SHOWN]
    rows: QuerySet[ApiDefinition] = with_rights(
        definitions,
        may_try=allows(user, policy.RUN, "add"),
        may_switch=allows(user, DEFINITION, "change"),
        sees_scripts=allows(user, SCRIPT, "view"),
        sees_tokens=allows(user, TOKEN, "view"),
    )
    # Counted by a subquery: a join would multiply the rows by their tokens.
    return (
        curl.with_parameters(rows)
        .annotate(
            token_count=count_rows(AllowedToken.objects.all(), "definition"),
            is_failing=_is_failing() if allows(user, policy.RUN, "view") else Value(False),
        )
        .prefetch_related(Prefetch("allowed_tokens", first, to_attr="first_tokens"))
    )


def _is_failing() -> Exists:
    return Exists(FailingApi.objects.filter(pk=OuterRef("pk")))


def row_items(user: AnyUser) -> list[RowItem]:
    """What the menu of an API offers besides its pages."""
    items = [
        RowItem(_("Copy URL"), copies="url"),
        RowItem(_("Copy as curl"), copies="curl"),
    ]
    if allows(user, policy.RUN, "add"):
        items.insert(0, RowItem(_("Try it"), address=f"{reverse('admin:trigger')}?definition="))
    if allows(user, policy.RUN, "view"):
        items.insert(0, RowItem(_("Show its runs"), address=f"{reverse('admin:runs')}?definition="))
    return items


def token_order(user: AnyUser) -> Sequence[str]:
    """How tokens are sorted. The order must not reveal names to a user who may not view tokens."""
    return ("name", "id") if allows(user, TOKEN, "view") else ("id",)


class DefinitionColumns:
    """The cells of a definition. Links lead only to what the user may view."""

    @admin.display(description=_("route"), ordering="route")
    def address(self, obj: ApiDefinition) -> str:
        """The route. What comes before it is the same for all."""
        return obj.route

    @admin.display(description=_("name"), ordering="name")
    def title(self, obj: ApiDefinition) -> SafeString | str:
        return obj.name or cells.muted("-")

    @admin.display(description=_("script"), ordering="script__name")
    def script_called(self, obj: Any) -> SafeString:
        """The script with its version: the one that the API is pinned to, or the current one."""
        shown = script_cell(obj, is_link=obj.sees_scripts)
        if obj.script is None or obj.script_version is not None or obj.script.current_version is None:
            return shown
        number = obj.script.current_version
        return format_html('{} <span class="ud-subtle" title="{}">@ {}</span>', shown, _("The current version"), number)

    @admin.display(description=_("entry point and input"), ordering="action_type")
    def method(self, obj: ApiDefinition) -> SafeString:
        return format_html("{} {}", _entry_point(obj), _input(obj))

    @admin.display(description=_("tokens"), ordering="token_count")
    def token_chips(self, obj: Any) -> SafeString:
        """The first token that may call it: by name for users who may view tokens, by id for others."""
        if not obj.token_count:
            return cells.badge(_("none"), "warn", _("Without a token, nobody can call this API."))
        first = [
            token_chip(token) if obj.sees_tokens else cells.chip(str(token.pk)[:8], title=str(token.pk))
            for token in obj.first_tokens
        ]
        return cells.few(first, obj.token_count)

    @admin.display(description=_("bodies kept of"), ordering="keep_bodies")
    def bodies_kept(self, obj: ApiDefinition) -> str:
        return str(obj.get_keep_bodies_display())

    def row_state(self, obj: Any) -> SafeString:
        if obj.is_disabled:
            return cells.dot("off", _("Disabled"))
        return cells.dot("bad", _("Failing")) if obj.is_failing else cells.dot("good", _("Enabled"))

    def row_buttons(self, obj: Any) -> SafeString:
        copies = _("Copy %s as curl (disabled: error 2009)") if obj.is_disabled else _("Copy %s as curl")
        buttons = [
            cells.copy_button(curl.base_url() + obj.route, _("Copy URL of %s") % obj.route, kind="url"),
            cells.copy_button(curl.curl(obj), copies % obj.route, "terminal", kind="curl"),
        ]
        if obj.may_try:
            buttons.append(cells.icon_link(trigger_url(obj), _("Try %s") % obj.route, "play_arrow"))
        return format_html_join("", "{}", ([button] for button in buttons))


def script_cell(obj: ApiDefinition, *, is_link: bool, kind: str = "change") -> SafeString:
    """The script of a definition, with the version that it is pinned to; links are for users who may view scripts."""
    if obj.script is None:
        return cells.badge(_("missing"), "bad")
    name = cells.link(cells.page_of(obj.script, kind), obj.script.name) if is_link else format_html("{}", obj.script)
    if obj.script_version is None:
        return name
    title = _("Pinned to version %d") % obj.script_version
    return format_html('{} <span class="ud-pin" title="{}">@ {}</span>', name, title, obj.script_version)


def token_chip(token: ApiToken, kind: str = "view") -> SafeString:
    """A token with a link to its page."""
    state = _("%s (disabled)") % token.name if token.is_disabled else token.name
    return cells.chip(token.name, cells.page_of(token, kind), is_off=token.is_disabled, title=state)


def _entry_point(obj: ApiDefinition) -> SafeString:
    return format_html('<code class="ud-code">{}</code>', obj.get_action_type_display())


def _input(obj: ApiDefinition) -> str:
    is_run = obj.action_type == ActionType.NO_ENTRY_POINT
    return str(InputType.PARAMETERS.label) if is_run else obj.get_input_type_display()


class ScriptFilter(NamedFilter):
    of = NamedModel(AutomationScript)
    title = _("script")
    parameter_name = "script"
    looks_at = ("script__name",)
    id_at = "script"


class TokenFilter(NamedFilter):
    """An allowed token: by name only for users who may view tokens, because others could guess it letter by letter."""

    of = NamedModel(ApiToken)
    title = _("token (name or id)")
    parameter_name = "token"
    id_at = "token"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        if allows(request.user, TOKEN, "view"):
            self.looks_at = ("token__name",)
        else:
            self.title = _("token (id)")

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Searches the grants, so that a definition with several matching tokens is listed once."""
        grants = super().queryset(request, AllowedToken.objects.all())
        return queryset.filter(pk__in=grants.values("definition")) if (self.value() or "").strip() else queryset


_WITH_ENTRY_POINT = Q(action_type=ActionType.AUTOMATION_SCRIPT)

FILTERS = (
    STATE_FILTER,
    ScriptFilter,
    choice_filter(
        "version",
        _("version"),
        {
            "current": (_("current"), Q(script_version__isnull=True)),
            "pinned": (_("pinned"), Q(script_version__isnull=False)),
        },
    ),
    TokenFilter,
    choice_filter(
        "action",
        _("entry point and input"),
        {
            "raw": (_("on_api_trigger, raw body"), _WITH_ENTRY_POINT & Q(input_type=InputType.RAW_BODY)),
            "parameters": (_("on_api_trigger, parameters"), _WITH_ENTRY_POINT & Q(input_type=InputType.PARAMETERS)),
            "run": (RUN, Q(action_type=ActionType.NO_ENTRY_POINT)),
        },
    ),
    choice_filter(
        "callable",
        _("callable"),
        {"yes": (_("has a token"), Q(token_count__gt=0)), "no": (_("has no token"), Q(token_count=0))},
    ),
    choice_filter(
        "keeps",
        _("bodies kept of"),
        {str(kept): (kept.label, Q(keep_bodies=kept)) for kept in KeepBodies},
    ),
    conditions.OF_DEFINITIONS,
    *AUTHORSHIP_FILTERS,
)
