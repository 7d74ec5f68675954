"""The columns and filters of the list of definitions."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access import policy
from access.policy import DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.source import RUN
from console import cells
from console.blockers import count_rows
from console.definitions import curl
from console.lists import AUTHORSHIP_FILTERS, STATE_FILTER, TextFilter, choice_filter, with_rights
from console.trigger_page import trigger_url
from definitions.models import ActionType, AllowedToken, ApiDefinition, InputType, KeepBodies
from tokens.models import ApiToken

TOKENS_SHOWN = 3


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
        .annotate(token_count=count_rows(AllowedToken.objects.all(), "definition"))
        .prefetch_related(Prefetch("allowed_tokens", first, to_attr="first_tokens"))
    )


def token_order(user: AnyUser) -> Sequence[str]:
    """How tokens are sorted. The order must not reveal names to a user who may not view tokens."""
    return ("name", "id") if allows(user, TOKEN, "view") else ("id",)


class DefinitionColumns:
    """The cells of a definition. Links lead only to what the user may view."""

    @admin.display(description=_("URL"), ordering="route")
    def address(self, obj: Any) -> SafeString:
        """The URL with its buttons."""
        copies = _("Copy %s as curl (disabled: error 2009)") if obj.is_disabled else _("Copy %s as curl")
        buttons = [
            cells.copy_button(curl.base_url() + obj.route, _("Copy URL of %s") % obj.route),
            cells.copy_button(curl.curl(obj), copies % obj.route, "terminal"),
        ]
        if obj.may_try:
            buttons.append(cells.icon_link(trigger_url(obj), _("Try it"), "play_arrow"))
        buttons.append(_menu(obj))
        return format_html(
            '<span class="ud-url"><a class="ud-url-text" href="{}"><span>{}</span>{}</a>'
            '<span class="ud-url-buttons">{}</span></span>',
            cells.page_of(obj),
            curl.base_url(),
            obj.route,
            format_html_join("", "{}", ([button] for button in buttons)),
        )

    @admin.display(description=_("name"), ordering="name")
    def title(self, obj: ApiDefinition) -> SafeString:
        return cells.two_lines(obj.name or cells.muted("-"), obj.description)

    @admin.display(description=_("script"), ordering="script__name")
    def script_called(self, obj: Any) -> SafeString:
        """The script and, where there is no room for the column `method`, what is called."""
        called = format_html('<span class="ud-second ud-method">{} {}</span>', _entry_point(obj), _input(obj))
        return script_cell(obj, is_link=obj.sees_scripts) + called

    @admin.display(description=_("entry point and input"), ordering="action_type")
    def method(self, obj: ApiDefinition) -> SafeString:
        return cells.two_lines(_entry_point(obj), _input(obj))

    @admin.display(description=_("tokens"), ordering="token_count")
    def token_chips(self, obj: Any) -> SafeString:
        """The first tokens that may call it: by name for users who may view tokens, by id for others."""
        if not obj.token_count:
            return cells.badge(_("none"), "warn", _("Without a token, nobody can call this API."))
        shown = [
            token_chip(token) if obj.sees_tokens else cells.chip(str(token.pk)[:8], title=str(token.pk))
            for token in obj.first_tokens
        ]
        return cells.chips(shown, obj.token_count - len(shown))


def _menu(obj: ApiDefinition) -> SafeString:
    """The button that opens the menu of the row."""
    return format_html(
        '<button type="button" class="ud-icon-button" data-menu="row-menu" data-id="{0}" data-name="{1}"'
        ' data-state="{2}" aria-haspopup="menu" aria-expanded="false" aria-label="{3}" title="{3}">'
        '<span class="material-symbols-outlined" aria-hidden="true">more_vert</span></button>',
        obj.pk,
        obj.route,
        "off" if obj.is_disabled else "on",
        _("Actions for %s") % obj.route,
    )


def script_cell(obj: ApiDefinition, *, is_link: bool, kind: str = "change") -> SafeString:
    """The script of a definition, with the version that it is pinned to; links are for users who may view scripts."""
    if obj.script is None:
        return cells.badge(_("missing"), "bad")
    name = cells.link(cells.page_of(obj.script, kind), obj.script.name) if is_link else format_html("{}", obj.script)
    if obj.script_version is None:
        return name
    title = _("Pinned to version %d") % obj.script_version
    return format_html('{} <span class="ud-pin" title="{}">@ {}</span>', name, title, obj.script_version)


def token_chip(token: ApiToken, kind: str = "change") -> SafeString:
    """A token with a link to its page."""
    state = _("%s (disabled)") % token.name if token.is_disabled else token.name
    return cells.chip(token.name, cells.page_of(token, kind), is_off=token.is_disabled, title=state)


def _entry_point(obj: ApiDefinition) -> SafeString:
    return format_html('<code class="ud-code">{}</code>', obj.get_action_type_display())


def _input(obj: ApiDefinition) -> str:
    is_run = obj.action_type == ActionType.NO_ENTRY_POINT
    return str(InputType.PARAMETERS.label) if is_run else obj.get_input_type_display()


class ScriptFilter(TextFilter):
    title = _("script")
    parameter_name = "script"
    looks_at = ("script__name",)
    id_at = "script"


class TokenFilter(TextFilter):
    """An allowed token: by name only for users who may view tokens, because others could guess it letter by letter."""

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
    *AUTHORSHIP_FILTERS,
)
