"""The columns and filters of the list of tokens."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from console import cells
from console.attention import conditions
from console.lists import AUTHORSHIP_FILTERS, STATE_FILTER, choice_filter, column
from console.templatetags.console import time_ago
from tokens.models import ApiToken


class TokenColumns:
    """The cells of a token."""

    used = column("last_used", _("last used"), lambda value: time_ago(value) or cells.muted(_("never")))
    key = column("id", _("id"), lambda value: format_html("<code>{}</code>", value))

    def last_uses(self, request: HttpRequest, keys: Collection[UUID]) -> Collection[datetime]:
        moments = ApiToken.objects.filter(pk__in=keys).values_list("last_used", flat=True)
        return [moment for moment in moments if moment]

    def row_state(self, obj: ApiToken) -> SafeString:
        return cells.dot("off", _("Disabled")) if obj.is_disabled else cells.dot("good", _("Enabled"))

    @admin.display(description=_("rate limit"), ordering="rate_limit")
    def limit(self, obj: ApiToken) -> SafeString:
        words = cells.limit_in_words(obj)
        return cells.muted(words) if obj.rate_limit is None else format_html("{}", words)


FILTERS = (
    STATE_FILTER,
    choice_filter(
        "use",
        _("use"),
        {
            "never": (_("never used"), Q(last_used__isnull=True)),
            "used": (_("used"), Q(last_used__isnull=False)),
            "unassigned": (_("allowed by no API"), Q(api_count=0)),
            "assigned": (_("allowed by an API"), Q(api_count__gt=0)),
        },
    ),
    choice_filter(
        "limit",
        _("rate limit"),
        {"yes": (_("limited"), Q(rate_limit__isnull=False)), "no": (_("not limited"), Q(rate_limit__isnull=True))},
    ),
    conditions.OF_TOKENS,
    *AUTHORSHIP_FILTERS,
)
