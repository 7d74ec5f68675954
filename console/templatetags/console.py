"""What the console's templates need beyond Django's own tags."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def local_time(value: datetime | None) -> SafeString:
    """`value` in UTC; the browser shows it in its own zone, with UTC on hover. Nothing for None."""
    if value is None:
        return SafeString()
    moment = value.astimezone(UTC)
    text = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    machine = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" title="{}" data-local-time>{}</time>', machine, text, text)
