"""Template tags: times in the browser's zone, copy buttons, sort choices."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django import template
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ORDER_VAR
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from console import cells
from events.models import InformationEvent, Verb
from foundation.times import iso_utc
from keys.changes import live_keys

_MINUTE: Final = timedelta(minutes=1)
_VERSION: Final = re.compile(
    r": (back to )?version [0-9]+(?:, as soon as it is built| is ready(?: and current)?)?$"
    r"|: version [0-9]+ could not be built(?=: )"
)

_EVENT_ICONS: Final[Mapping[Verb, str]] = {
    Verb.ADDED: "add_circle",
    Verb.UPDATED: "edit",
    Verb.DELETED: "cancel",
    Verb.READ: "visibility",
    Verb.FAILING: "error",
    Verb.RECOVERED: "check_circle",
    Verb.SAID: "chat",
}

register = template.Library()
register.simple_tag(cells.limit_in_words)
register.filter(cells.build_state)


@register.filter
@register.simple_tag
def local_time(value: datetime | None) -> SafeString:
    """`value` as an element that the browser shows in its own zone, with UTC on hover; empty for None."""
    if value is None:
        return SafeString()
    moment = value.astimezone(UTC)
    text = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}" data-local-time>{}</time>', machine_time(moment), text, text)


@register.simple_tag
def time_ago(value: datetime | None) -> SafeString:
    """How long ago `value` was, with UTC on hover; empty for None."""
    if value is None:
        return SafeString()
    moment = value.astimezone(UTC)
    is_now = datetime.now(UTC) - moment < _MINUTE
    text = _("less than a minute ago") if is_now else _("%s ago") % timesince(moment, depth=1)
    exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', machine_time(moment), exact, text)


@register.filter
def machine_time(value: datetime) -> str:
    """`value` as scripts read it: ISO 8601 in UTC, to the millisecond."""
    return iso_utc(value, "milliseconds")


@register.filter
def version_in(message: str) -> str:
    """What the text of an event says of the version that was made, gone back to or built; empty for others."""
    said = _VERSION.search(message)
    return said[0] if said else ""


@register.filter
def figures_in(message: str) -> str:
    """Of the event of a failing API: `7 of 9 runs in 5 minutes`."""
    return message.rpartition(": ")[2]


@register.filter
def said_in(event: InformationEvent) -> str:
    """What a script has said. Its name, which comes before, may be anything."""
    return event.message.partition(f"({event.object_id}) says: ")[2]


@register.filter
def event_icon(event: InformationEvent) -> str:
    return _EVENT_ICONS[Verb(event.verb)]


@register.simple_tag
def sort_choices(cl: Any) -> list[tuple[str, str, bool]]:
    """The orders of a list: value in the address, label, and whether it is the current one."""
    now = cl.params.get(ORDER_VAR, "")
    columns = [(str(number), name) for number, name in enumerate(cl.list_display) if cl.get_ordering_field(name)]
    words = {number: capfirst(str(label_for_field(name, cl.model, cl.model_admin))) for number, name in columns}
    choices: dict[str, str] = words | {f"-{number}": _("%s, descending") % text for number, text in words.items()}
    if now and now not in choices:
        choices[now] = _("several columns")
    return [(value, text, value == now) for value, text in choices.items()]


@register.simple_tag
def copy_button(text: object, what: object) -> SafeString:
    """A button that copies `text`; `what` names it in the label."""
    return cells.copy_button(text, _("Copy %(what)s") % {"what": what})


@register.simple_tag
def live_key_count(user: Any) -> int:
    return live_keys(user).count()
