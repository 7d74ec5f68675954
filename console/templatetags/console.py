"""What the console's templates and tables share: times in the browser's zone, buttons that copy."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
@register.simple_tag
def local_time(value: datetime | None) -> SafeString:
    """`value` as an element that the browser shows in its own zone, with UTC on hover; nothing for None."""
    if value is None:
        return SafeString()
    moment = value.astimezone(UTC)
    text = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    machine = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" title="{}" data-local-time>{}</time>', machine, text, text)


@register.simple_tag
def copy_button(text: object, what: object) -> SafeString:
    """A button that copies `text`; `what` it is, for who cannot see it."""
    return format_html(
        '<button type="button" class="ud-copy" data-copy="{0}" aria-label="{1}" title="{1}">'
        '<span class="material-symbols-outlined" aria-hidden="true">content_copy</span></button>',
        text,
        _("Copy %(what)s") % {"what": what},
    )
