"""The columns and filters of the list of scripts."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from console import cells
from console.lists import AUTHORSHIP_FILTERS, choice_filter, column


class ScriptColumns:
    """The cells of a script."""

    @admin.display(description=_("name"), ordering="name")
    def title(self, obj: AutomationScript) -> SafeString:
        name = format_html('<a class="ud-url-text" href="{}">{}</a>', cells.page_of(obj), obj.name)
        return cells.two_lines(name, obj.description)

    @admin.display(description=_("entry points"), ordering="has_api_trigger")
    def entry_points(self, obj: AutomationScript) -> SafeString:
        return cells.codes(obj.entry_points())

    @admin.display(description=_("parameters"))
    def parameter_names(self, obj: AutomationScript) -> SafeString:
        return cells.codes(obj.parameters) if obj.parameters else cells.muted("-")

    longest = column("timeout_seconds", _("time-out"), "{} s".format)
    memory = column("memory_limit_mb", _("memory"), "{} MB".format)


FILTERS = (
    choice_filter(
        "entry",
        _("entry point"),
        {ON_API_TRIGGER: (ON_API_TRIGGER, Q(has_api_trigger=True)), RUN: (RUN, Q(has_run=True))},
    ),
    choice_filter(
        "use",
        _("use"),
        {"used": (_("published as an API"), Q(api_count__gt=0)), "unused": (_("not published"), Q(api_count=0))},
    ),
    *AUTHORSHIP_FILTERS,
)
