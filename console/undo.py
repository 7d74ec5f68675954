"""Messages with a button that takes back what they tell."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


def with_undo(text: object, page: str, name: str, value: object) -> SafeString:
    """`text`, and a button that posts `value` under `name` to `page`. The head of an object has the form for it."""
    button = (
        '<button type="submit" class="ud-offer" form="object-post" formaction="{}" name="{}" value="{}">{}</button>'
    )
    return format_html("{} {}", text, format_html(button, page, name, value, _("Undo")))
