"""The columns of the list of definitions."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import TOKEN, AnyUser, allows
from console import cells
from console.blockers import count_rows
from console.definitions import curl, words
from console.trigger_page import trigger_url
from definitions.models import AllowedToken, ApiDefinition
from tokens.models import ApiToken

TOKENS_SHOWN = 3


def with_columns(definitions: "QuerySet[ApiDefinition]", user: AnyUser) -> "QuerySet[ApiDefinition]":
    """What a row needs, in a number of queries that does not grow with the rows."""
    first = ApiToken.objects.only("id", "name", "is_disabled").order_by(*token_order(user))[:TOKENS_SHOWN]
    return (
        definitions.annotate(token_count=count_rows(AllowedToken.objects.all(), "definition"))
        .select_related("script")
        .defer("script__source")
        .prefetch_related(Prefetch("allowed_tokens", first, to_attr="first_tokens"))
    )


def token_order(user: AnyUser) -> Sequence[str]:
    """How tokens are sorted: names that `user` may not know must not show in an order."""
    return ("name", "id") if allows(user, TOKEN, "view") else ("id",)


class DefinitionColumns:
    """How a definition is shown in a row; some columns are there twice, with links and without."""

    @admin.display(description=gettext_lazy("URL"), ordering="route")
    def address(self, obj: ApiDefinition) -> SafeString:
        """The full URL, with buttons that copy it."""
        return _address(obj, _copy_buttons(obj))

    @admin.display(description=gettext_lazy("URL"), ordering="route")
    def address_to_try(self, obj: ApiDefinition) -> SafeString:
        """The same, with a way to the page that triggers it."""
        trying = cells.icon_link(trigger_url(obj), _("Try it"), "play_arrow")
        return _address(obj, [*_copy_buttons(obj), trying])

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def title(self, obj: ApiDefinition) -> SafeString:
        """Name and description."""
        return cells.two_lines(obj.name or cells.muted("-"), obj.description)

    @admin.display(description=gettext_lazy("script"), ordering="script__name")
    def script_link(self, obj: ApiDefinition) -> SafeString:
        """The script, for who may look at it."""
        if obj.script is None:
            return cells.badge(_("missing"), "bad") + _called(obj)
        page = reverse("admin:automation_automationscript_change", args=[obj.script.pk])
        return cells.link(page, obj.script.name) + _called(obj)

    @admin.display(description=gettext_lazy("script"), ordering="script__name")
    def script_name(self, obj: ApiDefinition) -> SafeString:
        """The name of the script."""
        name = cells.badge(_("missing"), "bad") if obj.script is None else format_html("{}", obj.script.name)
        return name + _called(obj)

    @admin.display(description=gettext_lazy("method and input"), ordering="action_type")
    def method(self, obj: ApiDefinition) -> SafeString:
        """What is called, and how it gets the body."""
        called = format_html('<code class="ud-code">{}</code>', words.method(obj))
        return cells.two_lines(called, words.input_type(obj))

    @admin.display(description=gettext_lazy("tokens"), ordering="token_count")
    def token_links(self, obj: Any) -> SafeString:
        """The tokens that may call it, for who may look at them."""
        return _chips(obj, [_token_link(token) for token in obj.first_tokens])

    @admin.display(description=gettext_lazy("tokens"), ordering="token_count")
    def token_ids(self, obj: Any) -> SafeString:
        """The ids of the tokens that may call it."""
        return _chips(obj, [cells.chip(str(token.pk)[:8], title=str(token.pk)) for token in obj.first_tokens])


def _address(obj: ApiDefinition, buttons: list[SafeString]) -> SafeString:
    page = reverse("admin:definitions_apidefinition_change", args=[obj.pk])
    return format_html(
        '<span class="ud-url"><a class="ud-url-text" href="{}"><span>{}</span>{}</a>'
        '<span class="ud-url-buttons">{}</span></span>',
        page,
        curl.base_url(),
        obj.route,
        format_html_join("", "{}", ([button] for button in buttons)),
    )


def _copy_buttons(obj: ApiDefinition) -> list[SafeString]:
    return [
        cells.copy_button(curl.url(obj.route), _("Copy URL of %s") % obj.route),
        cells.copy_button(curl.curl(obj), _("Copy %s as curl") % obj.route, "terminal"),
    ]


def _called(obj: ApiDefinition) -> SafeString:
    """The method of a row that has no room for its column."""
    return format_html(
        '<span class="ud-second ud-method"><code class="ud-code">{}</code> {}</span>',
        words.method(obj),
        words.input_type(obj),
    )


def _chips(obj: Any, shown: list[SafeString]) -> SafeString:
    if not obj.token_count:
        return cells.badge(_("none"), "warn", _("Without a token, nobody can call this API."))
    return cells.chips(shown, obj.token_count - len(shown))


def _token_link(token: ApiToken) -> SafeString:
    state = _("%s (disabled)") % token.name if token.is_disabled else token.name
    page = reverse("admin:tokens_apitoken_change", args=[token.pk])
    return cells.chip(token.name, page, is_off=token.is_disabled, title=state)
