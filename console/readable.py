"""The rows of an object's readable page, as far as the user may view what they name."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import DateTimeField
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.policy import CREDENTIAL, RUN, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript, Credential
from automation.versions import ScriptKind
from console import cells
from console.blockers import name_definitions
from console.credentials.columns import script_chip
from console.definitions import curl
from console.definitions.columns import script_cell, token_chip, token_order
from console.definitions.objective_rows import p95_row, success_row
from console.scripts.reach import libraries_of, users_of
from console.templatetags.console import copy_button, time_ago
from console.trigger_page import trigger_url
from definitions.content_types import ANY_TYPE
from definitions.models import ApiDefinition
from tokens.models import ApiToken


def rows_of(user: AnyUser, obj: Any, fields: Iterable[str]) -> list[tuple[Any, SafeString | str, bool]]:
    """A row for each of `fields`, and at the end those of every object.

    A row is a label, a value, and whether it takes the whole width of the page.
    """
    return [*field_rows(user, obj, fields), *identity_rows(obj)]


def field_rows(user: AnyUser, obj: Any, fields: Iterable[str]) -> list[tuple[Any, SafeString | str, bool]]:
    """A row for each of `fields` that has something to say."""
    rows = []
    for name in fields:
        field = obj._meta.get_field(name)
        if special := _SPECIAL.get(name):
            label, value = special[0], special[1](user, obj)
        else:
            label, value = capfirst(field.verbose_name), _value(obj, field)
        if value is not None:
            rows.append((label, value, name == "source"))
    return rows


def identity_rows(obj: Any) -> list[tuple[Any, SafeString | str, bool]]:
    """The id of an object, and who made and changed it when."""
    identity = format_html("<code>{}</code> {}", obj.pk, copy_button(obj.pk, _("the id")))
    return [
        (_("Id"), identity, False),
        (_("Created"), _by(obj.created_at, obj.created_by), False),
        (_("Last modified"), _by(obj.last_modified, obj.last_modified_by), False),
    ]


def _value(obj: Any, field: Any) -> SafeString | str:
    value = getattr(obj, field.name)
    if field.choices:
        return str(getattr(obj, f"get_{field.name}_display")())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(field, DateTimeField):
        return time_ago(value) or cells.muted(_("never"))
    if value is None or value in ("", []):
        return cells.muted(_("none"))
    return cells.codes(value) if isinstance(value, list) else format_html('<span class="ud-text">{}</span>', value)


def _url(user: AnyUser, definition: ApiDefinition) -> SafeString:
    url = curl.base_url() + definition.route
    try_it = cells.link(trigger_url(definition), _("Try it")) if allows(user, RUN, "add") else ""
    return format_html("<code>{}</code> {} {}", url, copy_button(url, _("the URL")), try_it)


def _script(user: AnyUser, definition: ApiDefinition) -> SafeString:
    return script_cell(definition, is_link=allows(user, SCRIPT, "view"), kind="view")


def _version(user: AnyUser, definition: ApiDefinition) -> SafeString | str:
    pinned, script = definition.script_version, definition.script
    number = pinned or (script.current_version if script else None)
    if script is None or number is None:
        return _("Current")
    text = (_("Pinned to version %d") if pinned else _("Current (version %d)")) % number
    if not allows(user, SCRIPT, "view"):
        return text
    return cells.link(reverse("admin:automation_automationscript_version", args=[script.pk, number]), text)


def _tokens(user: AnyUser, definition: ApiDefinition) -> SafeString:
    tokens = list(definition.allowed_tokens.order_by(*token_order(user)))
    if not tokens:
        return cells.badge(_("None: nobody can call it"), "warn")
    if allows(user, TOKEN, "view"):
        return cells.chips(token_chip(token, "view") for token in tokens)
    return cells.codes(token.pk for token in tokens)


def _types(accepted: list[str]) -> SafeString | str:
    return _("Any type") if accepted == [ANY_TYPE] else cells.codes(accepted)


def _most(runs: int | None) -> SafeString | str:
    return cells.muted(_("no limit")) if runs is None else str(runs)


def _source(user: AnyUser, script: AutomationScript) -> SafeString:
    source = format_html('<pre class="ud-source" tabindex="0">{}</pre>', script.source)
    return format_html("{}{}", copy_button(script.source, _("the source")), source)


def _libraries(user: AnyUser, script: AutomationScript) -> SafeString | str:
    uses = libraries_of(script)
    chips = (
        cells.chip(f"{name} {number}", cells.page_of(library, "view") if library else "", is_off=library is None)
        for name, number, library in uses
    )
    return cells.chips(chips) if uses else _("no library")


def _readers(user: AnyUser, credential: Credential) -> SafeString | str:
    is_link = allows(user, SCRIPT, "view")
    scripts = credential.allowed_scripts.only("id", "name").order_by("name")
    if not scripts:
        return cells.muted(_("no script"))
    chips = cells.chips(script_chip(script, is_link=is_link, kind="view") for script in scripts)
    return cells.two_lines(chips, _("Whoever may edit one of these scripts can read the value."))


def _credentials(user: AnyUser, script: AutomationScript) -> SafeString | str | None:
    if script.kind == ScriptKind.LIBRARY or not allows(user, CREDENTIAL, "view"):
        return None
    found = list(script.credentials.order_by("name"))
    return cells.chips(cells.chip(one.name, cells.page_of(one, "view")) for one in found) if found else _("none")


def _uses(user: AnyUser, obj: ApiToken | AutomationScript) -> SafeString | str:
    if isinstance(obj, AutomationScript) and obj.kind == ScriptKind.LIBRARY:
        users = users_of(obj)
        chips = (cells.chip(f"{script.name} ({number})", cells.page_of(script, "view")) for script, number in users)
        return cells.chips(chips) if users else _("no script")
    definitions = list(obj.api_definitions.all())
    if not definitions:
        return _("no API")
    named = name_definitions(user, definitions)
    if len(definitions) == 1:
        return named
    count = ngettext("%(count)d API", "%(count)d APIs", len(definitions)) % {"count": len(definitions)}
    return format_html("{} {}", cells.badge(count), named)


_SPECIAL: Final[Mapping[str, tuple[Any, Callable[[AnyUser, Any], SafeString | str | None]]]] = {
    "route": (gettext_lazy("URL"), _url),
    "script": (gettext_lazy("Script"), _script),
    "script_version": (gettext_lazy("Version"), _version),
    "action_type": (gettext_lazy("Entry point"), lambda user, api: cells.codes([api.get_action_type_display()])),
    "input_type": (gettext_lazy("Input"), lambda user, api: api.get_input_type_display() or None),
    "content_types": (gettext_lazy("Accepted content types"), lambda user, api: _types(api.content_types)),
    "allowed_tokens": (gettext_lazy("Allowed tokens"), _tokens),
    "max_concurrent": (gettext_lazy("Most runs at once"), lambda user, api: _most(api.max_concurrent)),
    "objective_success_rate": (gettext_lazy("Objective: success rate"), success_row),
    "objective_p95_milliseconds": (gettext_lazy("Objective: 95 % answered within"), p95_row),
    "is_disabled": (gettext_lazy("State"), lambda user, obj: cells.state(obj.is_disabled)),
    "rate_limit": (gettext_lazy("Rate limit"), lambda user, token: cells.limit_in_words(token)),
    "rate_window_seconds": ("", lambda user, token: None),
    "secret_digest": (gettext_lazy("Secret"), lambda user, token: _("Cannot be shown: only a digest of it is stored.")),
    "ciphertext": (gettext_lazy("Value"), lambda user, credential: _("Cannot be shown: it is stored encrypted.")),
    "allowed_scripts": (gettext_lazy("Which scripts may read it"), _readers),
    "last_used_at": (
        gettext_lazy("Last used"),
        lambda user, credential: time_ago(credential.last_used_at) or cells.muted(_("never")),
    ),
    "credentials": (gettext_lazy("Credentials it may read"), _credentials),
    "source": (gettext_lazy("Source"), _source),
    "has_api_trigger": (gettext_lazy("Entry points"), lambda user, script: cells.codes(script.entry_points())),
    "versions": (gettext_lazy("Uses"), _libraries),
    "api_definitions": (gettext_lazy("Used by"), _uses),
}
"""Fields that are shown in words of their own, and not at all where the value is None. A new plain field needs none."""


def _by(moment: datetime, user: str) -> SafeString:
    return format_html(_("{time} by {user}"), time=time_ago(moment), user=user)
