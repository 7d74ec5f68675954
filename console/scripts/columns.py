"""The columns of the list of scripts."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from console import cells


class ScriptColumns:
    """How a script is shown in a row; the column of its APIs is there twice, with links and without."""

    @admin.display(description=_("name"), ordering="name")
    def title(self, obj: AutomationScript) -> SafeString:
        """Name and description."""
        page = reverse("admin:automation_automationscript_change", args=[obj.pk])
        name = format_html('<a class="ud-url-text" href="{}">{}</a>', page, obj.name)
        return cells.two_lines(name, obj.description)

    @admin.display(description=_("entry points"), ordering="has_api_trigger")
    def entry_points(self, obj: AutomationScript) -> SafeString:
        """The functions that an API can call."""
        present = {ON_API_TRIGGER: obj.has_api_trigger, RUN: obj.has_run}
        return _codes([name for name, is_there in present.items() if is_there])

    @admin.display(description=_("parameters"))
    def parameter_names(self, obj: AutomationScript) -> SafeString:
        """The names of its script parameters."""
        return _codes(obj.parameters) if obj.parameters else cells.muted("-")

    @admin.display(description=_("time-out"), ordering="timeout_seconds")
    def longest(self, obj: AutomationScript) -> str:
        """How long a run may take."""
        return f"{obj.timeout_seconds} s"

    @admin.display(description=_("memory"), ordering="memory_limit_mb")
    def memory(self, obj: AutomationScript) -> str:
        """How much memory a run may take."""
        return f"{obj.memory_limit_mb} MB"

    @admin.display(description=_("APIs"), ordering="api_count")
    def api_count(self, obj: Any) -> int:
        """How many APIs run it."""
        return int(obj.api_count)

    @admin.display(description=_("APIs"), ordering="api_count")
    def api_link(self, obj: Any) -> SafeString:
        """How many APIs run it, with a link to them."""
        if not obj.api_count:
            return cells.muted(0)
        address = f"{reverse('admin:definitions_apidefinition_changelist')}?script={obj.pk}"
        return cells.link(address, obj.api_count)


def _codes(names: Any) -> SafeString:
    parts = format_html_join(" ", '<code class="ud-code">{}</code>', ([name] for name in names))
    return format_html('<span class="ud-tags">{}</span>', parts)
