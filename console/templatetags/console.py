"""Template tags: times, copy buttons, what events say."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from console import cells
from console.relative_times import ago_in_words
from events.models import InformationEvent, Verb
from foundation.times import iso_utc
from keys.changes import live_keys

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
    """The exact time: an element that the browser shows in its own zone, with UTC on hover; empty for None."""
    if value is None:
        return SafeString()
    text = _in_utc(value)
    return format_html('<time datetime="{}" title="{}" data-local-time>{}</time>', machine_time(value), text, text)


@register.filter
@register.simple_tag(name="time_ago")
def ago(value: datetime | None) -> SafeString:
    """`12 min ago`, renewed as time goes by, with the exact time on hover, in the browser's zone and in UTC.

    Empty for None.
    """
    if value is None:
        return SafeString()
    words = ago_in_words(value, datetime.now(UTC))
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', machine_time(value), _in_utc(value), words)


time_ago = ago


def _in_utc(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def machine_time(value: datetime) -> str:
    """`value` as scripts read it: ISO 8601 in UTC, to the millisecond."""
    return iso_utc(value, "milliseconds")


def version_in(message: str) -> str:
    """What the text of an event says of the version that was made, gone back to or built; empty for others."""
    said = _VERSION.search(message)
    return said[0] if said else ""


def figures_in(message: str) -> str:
    """Of the event of a failing API: `7 of 9 runs in 5 minutes`."""
    return message.rpartition(": ")[2]


def said_in(event: InformationEvent) -> str:
    """What a script has said. Its name, which comes before, may be anything."""
    return event.message.partition(f"({event.object_id}) says: ")[2]


@register.filter
def event_icon(event: InformationEvent) -> str:
    return _EVENT_ICONS[Verb(event.verb)]


@register.simple_tag
def copy_button(text: object, what: object) -> SafeString:
    """A button that copies `text`; `what` names it in the label."""
    return cells.copy_button(text, _("Copy %(what)s") % {"what": what})


@register.simple_tag
def live_key_count(user: Any) -> int:
    return live_keys(user).count()
