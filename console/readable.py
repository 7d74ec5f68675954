"""What the readable page of an object says, line by line, to a user with these flags."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from access.policy import MESSAGE, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from console import cells
from console.blockers import name_definitions
from console.definitions.columns import token_order
from console.templatetags.console import copy_button, local_time
from console.trigger_page import trigger_url
from definitions import routes
from definitions.models import ApiDefinition
from tokens.models import ApiToken


@dataclass(frozen=True)
class ReadableRow:
    """A line: what it is, and its value as HTML; a wide one takes all of the page."""

    label: str
    value: SafeString | str
    is_wide: bool = False


def rows_of(user: AnyUser, obj: Any) -> list[ReadableRow]:
    """The lines of `obj`, those of every object last."""
    return [*_CONTENT[type(obj)](user, obj), *_authorship(obj)]


def _definition(user: AnyUser, definition: ApiDefinition) -> Iterable[ReadableRow]:
    url = f"{settings.UDAPI_PUBLIC_URL}/{routes.PREFIX}{definition.route}"
    try_it = cells.link(trigger_url(definition), _("Try it")) if allows(user, MESSAGE, "send") else ""
    yield ReadableRow(_("URL"), format_html("<code>{}</code> {} {}", url, copy_button(url, _("the URL")), try_it))
    yield ReadableRow(_("Name"), definition.name or _nothing())
    yield ReadableRow(_("Description"), _text(definition.description))
    yield ReadableRow(_("Script"), _script_link(user, definition.script))
    yield ReadableRow(_("Method to be executed"), definition.get_action_type_display())
    if definition.input_type:
        yield ReadableRow(_("Input type"), definition.get_input_type_display())
    yield ReadableRow(_("Allowed tokens"), _tokens(user, definition))


def _token(user: AnyUser, token: ApiToken) -> Iterable[ReadableRow]:
    yield ReadableRow(_("Name"), token.name)
    yield ReadableRow(
        _("State"), cells.badge(_("Disabled"), "off") if token.is_disabled else cells.badge(_("Enabled"), "good")
    )
    yield ReadableRow(_("Rate limit"), cells.limit_in_words(token.rate_limit, token.rate_window_seconds))
    yield ReadableRow(_("Secret"), _("Cannot be shown: only a digest of it is kept."))
    yield ReadableRow(_("Used by"), _users(user, token))


def _script(user: AnyUser, script: AutomationScript) -> Iterable[ReadableRow]:
    yield ReadableRow(_("Name"), script.name)
    yield ReadableRow(_("Description"), _text(script.description))
    yield ReadableRow(_("Entry points"), _codes(script.entry_points()))
    yield ReadableRow(_("Parameters"), _codes(script.parameters))
    yield ReadableRow(_("Time-out"), _("%(seconds)d seconds") % {"seconds": script.timeout_seconds})
    yield ReadableRow(_("Used by"), _users(user, script))
    source = format_html('<pre class="ud-source" tabindex="0">{}</pre>', script.source)
    yield ReadableRow(
        _("Source"), format_html("{}{}", copy_button(script.source, _("the source")), source), is_wide=True
    )


_CONTENT: Final[Mapping[type, Callable[[AnyUser, Any], Iterable[ReadableRow]]]] = {
    ApiDefinition: _definition,
    ApiToken: _token,
    AutomationScript: _script,
}


def _authorship(obj: Any) -> Iterable[ReadableRow]:
    yield ReadableRow(_("Id"), format_html("<code>{}</code> {}", obj.pk, copy_button(obj.pk, _("the id"))))
    yield ReadableRow(_("Created"), _by(obj.created_at, obj.created_by))
    yield ReadableRow(_("Last modified"), _by(obj.last_modified, obj.last_modified_by))


def _by(moment: Any, user: str) -> SafeString:
    return format_html(_("{time} by {user}"), time=local_time(moment), user=user)


def _tokens(user: AnyUser, definition: ApiDefinition) -> SafeString | str:
    tokens = list(definition.allowed_tokens.order_by(*token_order(user)))
    if not tokens:
        return cells.badge(_("None: nobody can call it"), "warn")
    if not allows(user, TOKEN, "view"):
        return _codes(str(token.pk) for token in tokens)
    page = "admin:tokens_apitoken_view"
    return cells.chips(
        cells.chip(token.name, reverse(page, args=[token.pk]), is_off=token.is_disabled) for token in tokens
    )


def _script_link(user: AnyUser, script: AutomationScript | None) -> SafeString | str:
    if script is None:
        return cells.badge(_("Missing"), "bad")
    if not allows(user, SCRIPT, "view"):
        return script.name
    return cells.link(reverse("admin:automation_automationscript_view", args=[script.pk]), script.name)


def _users(user: AnyUser, obj: ApiToken | AutomationScript) -> SafeString | str:
    definitions = list(obj.api_definitions.all())
    if not definitions:
        return _("no API")
    numbers = {"count": len(definitions)}
    named = name_definitions(user, definitions)
    return format_html("{} {}", cells.badge(_("%(count)d APIs") % numbers), named) if len(definitions) > 1 else named


def _codes(names: Iterable[str]) -> SafeString | str:
    return format_html_join(" ", '<code class="ud-code">{}</code>', ([name] for name in names)) or _nothing()


def _text(text: str) -> SafeString | str:
    return format_html('<span class="ud-text">{}</span>', text) if text else _nothing()


def _nothing() -> SafeString:
    return cells.muted(_("none"))
