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
    """`value` as an element that the browser shows in its own zone, with UTC on hover; a dash for None."""
    if value is None:
        return format_html("-")
    moment = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}" data-local-time>{}</time>',
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        f"{moment:%Y-%m-%d %H:%M} UTC",
    )


@register.simple_tag
def copy_button(text: object, what: str = "", label: str = "") -> SafeString:
    """A button that copies `text`; `what` it is, for who cannot see it; with `label` it has words of its own."""
    name = _("Copy %(what)s") % {"what": what or text}
    return format_html(
        '<button type="button" class="udapi-copy" data-copy="{}" aria-label="{}" title="{}">'
        '<span class="material-symbols-outlined" aria-hidden="true">content_copy</span>{}</button>',
        text,
        name,
        name,
        label and format_html(" {}", label),
    )
