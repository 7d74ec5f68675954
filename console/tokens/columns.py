"""The columns and filters of the list of tokens."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from console import cells
from console.lists import AUTHORSHIP_FILTERS, STATE_FILTER, choice_filter, column
from console.templatetags.console import local_time
from tokens.models import ApiToken


class TokenColumns:
    """The cells of a token."""

    used = column("last_used", _("last used"), lambda value: local_time(value) or cells.muted(_("never")))

    @admin.display(description=_("id"), ordering="id")
    def menu(self, obj: ApiToken) -> SafeString:
        """The id, which opens a menu."""
        return format_html(
            '<button type="button" class="ud-id" data-menu="row-menu" data-id="{0}" data-name="{1}" data-state="{2}"'
            ' aria-haspopup="menu" aria-expanded="false" title="{3}">{0}'
            '<span class="material-symbols-outlined" aria-hidden="true">more_vert</span></button>',
            obj.pk,
            obj.name,
            "off" if obj.is_disabled else "on",
            _("Actions for %s") % obj.name,
        )

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
    *AUTHORSHIP_FILTERS,
)
