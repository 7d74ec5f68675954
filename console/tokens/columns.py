"""The columns of the list of tokens."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import cells
from console.templatetags.console import local_time
from tokens.models import ApiToken


class TokenColumns:
    """How a token is shown in a row; some columns are there twice, for who may do something with them and who not."""

    @admin.display(description=gettext_lazy("state"), ordering="is_disabled")
    def state(self, obj: ApiToken) -> SafeString:
        """Whether it opens anything."""
        return cells.badge(_("Disabled"), "off") if obj.is_disabled else cells.badge(_("Enabled"), "good")

    @admin.display(description=gettext_lazy("state"), ordering="is_disabled")
    def state_switch(self, obj: ApiToken) -> SafeString:
        """Whether it opens anything, and a switch that changes it."""
        return format_html(
            '<button type="submit" class="ud-toggle" role="switch" aria-checked="{}" aria-label="{}" data-switch="{}"'
            ' formaction="{}" formnovalidate name="state" value="{}"><span class="ud-toggle-knob"></span>{}</button>',
            "false" if obj.is_disabled else "true",
            _("%s is enabled") % obj.name,
            obj.pk,
            reverse("admin:tokens_switch", args=[obj.pk]),
            "on" if obj.is_disabled else "off",
            _("Disabled") if obj.is_disabled else _("Enabled"),
        )

    @admin.display(description=gettext_lazy("id"), ordering="id")
    def menu(self, obj: ApiToken) -> SafeString:
        """The id; it opens a menu of what can be done with the token."""
        return format_html(
            '<button type="button" class="ud-id" data-menu="token-menu" data-id="{0}" data-name="{1}" data-state="{2}"'
            ' aria-haspopup="menu" aria-expanded="false" title="{3}">{0}'
            '<span class="material-symbols-outlined" aria-hidden="true">more_vert</span></button>',
            obj.pk,
            obj.name,
            "off" if obj.is_disabled else "on",
            _("What can be done with %s") % obj.name,
        )

    @admin.display(description=gettext_lazy("rate limit"), ordering="rate_limit")
    def limit(self, obj: ApiToken) -> SafeString:
        """Its rate limit in words."""
        words = cells.limit_in_words(obj.rate_limit, obj.rate_window_seconds)
        return cells.muted(words) if obj.rate_limit is None else format_html("{}", words)

    @admin.display(description=gettext_lazy("APIs"), ordering="api_count")
    def api_count(self, obj: Any) -> int:
        """How many APIs allow it."""
        return int(obj.api_count)

    @admin.display(description=gettext_lazy("APIs"), ordering="api_count")
    def api_link(self, obj: Any) -> SafeString:
        """How many APIs allow it, with a link to them."""
        if not obj.api_count:
            return cells.muted(0)
        address = f"{reverse('admin:definitions_apidefinition_changelist')}?token={obj.pk}"
        return cells.link(address, obj.api_count)

    @admin.display(description=gettext_lazy("last used"), ordering="last_used")
    def used(self, obj: ApiToken) -> SafeString:
        """When it last opened something."""
        return cells.muted(_("never")) if obj.last_used is None else local_time(obj.last_used)
