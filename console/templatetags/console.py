"""Template tags: times in the browser's zone, copy buttons, sort choices."""

import re
from datetime import UTC, datetime
from typing import Any, Final

from django import template
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ORDER_VAR
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from console import cells
from foundation.times import iso_utc
from keys.changes import live_keys

_VERSION: Final = re.compile(r": (back to )?version [0-9]+$")

register = template.Library()
register.simple_tag(cells.limit_in_words)


@register.filter
@register.simple_tag
def local_time(value: datetime | None) -> SafeString:
    """`value` as an element that the browser shows in its own zone, with UTC on hover; empty for None."""
    if value is None:
        return SafeString()
    moment = value.astimezone(UTC)
    text = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    machine = iso_utc(moment, "milliseconds")
    return format_html('<time datetime="{}" title="{}" data-local-time>{}</time>', machine, text, text)


@register.filter
def version_in(message: str) -> str:
    """What the text of an event says of the version that the change has made or gone back to; empty for others."""
    said = _VERSION.search(message)
    return said[0] if said else ""


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
