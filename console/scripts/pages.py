"""The pages of automation scripts."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextareaWidget

from access.changes import refusal
from access.policy import may_change_source
from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from console.base import AUTHORSHIP, CheckedAdmin
from console.forms import CheckedForm
from console.usage import count_rows, name_definitions
from definitions.models import ApiDefinition


class LinesField(forms.Field):
    """A list of names, entered one a line."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """The lines as a list; empty ones are nothing."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class SourceWidget(UnfoldAdminTextareaWidget):  # type: ignore[misc]  # django-unfold has no types
    """A text area for a program; Django's template keeps an empty first line, django-unfold's does not."""

    template_name = "django/forms/widgets/textarea.html"

    def __init__(self) -> None:
        super().__init__({"class": "udapi-source", "rows": 24, "spellcheck": "false", "wrap": "off"})


class SourceField(forms.CharField):
    """A program as it was written; only the line ends that browsers make are undone."""

    def __init__(self) -> None:
        super().__init__(required=False, strip=False, widget=SourceWidget)

    def to_python(self, value: Any) -> str:
        """The text with newlines alone at the ends of its lines."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ScriptForm(CheckedForm):
    """A script."""

    needed = ("name", "source")
    source = SourceField()
    parameters = LinesField(required=False, help_text="The names of its script parameters, one a line.")

    def clean(self) -> dict[str, Any]:
        """Another source for a script in use is as good as publishing it."""
        cleaned = super().clean()
        if "source" in self.changed_data and not self._may_change_source():
            rule = "A definition uses this script: changing its source needs Automation > Execute as well."
            self.add_error("source", refusal("PermissionDenied", rule))
        return cleaned

    def _may_change_source(self) -> bool:
        is_used = not self.instance._state.adding and self.instance.api_definitions.exists()
        return may_change_source(self.user, is_used=is_used)


class ScriptAdmin(CheckedAdmin):
    """Automation scripts: the Python that APIs run."""

    form = ScriptForm
    used_through = "api_definitions"
    content: ClassVar = ("name", "description", "source", "parameters", "timeout_seconds", "memory_limit_mb", "reuse")
    readonly_fields = (*AUTHORSHIP, "source_to_read", "parameters_to_read")
    change_form_outer_before_template = "console/script_warning.html"
    list_display = (
        "name",
        "entry_points",
        "timeout_seconds",
        "api_count",
        "created_by",
        "created_at",
        "last_modified_by",
        "last_modified",
    )
    search_fields = ("name", "description", "=id")
    ordering = ("name",)

    class Media:
        css: ClassVar = {"all": ["console/console.css"]}

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AutomationScript]":
        """With the number of APIs that run each."""
        scripts: QuerySet[AutomationScript] = super().get_queryset(request)
        return scripts.annotate(api_count=count_rows(ApiDefinition.objects.all(), "script"))

    def get_content(self, request: HttpRequest, obj: Any) -> Sequence[str]:
        """Who may only view gets source and parameters as they look in the form."""
        if obj is None or self.has_change_permission(request, obj):
            return self.content
        return [
            {"source": "source_to_read", "parameters": "parameters_to_read"}.get(name, name) for name in self.content
        ]

    @admin.display(description="source")
    def source_to_read(self, obj: AutomationScript) -> str:
        """The source, line by line."""
        return format_html('<pre class="udapi-source">{}</pre>', obj.source)

    @admin.display(description="parameters")
    def parameters_to_read(self, obj: AutomationScript) -> str:
        """The names of its script parameters."""
        return ", ".join(obj.parameters)

    @admin.display(description="entry points")
    def entry_points(self, obj: AutomationScript) -> str:
        """The functions that an API can call."""
        present = {ON_API_TRIGGER: obj.has_api_trigger, RUN: obj.has_run}
        return ", ".join(name for name, is_there in present.items() if is_there)

    @admin.display(description="APIs", ordering="api_count")
    def api_count(self, obj: Any) -> int:
        """How many APIs run it."""
        return int(obj.api_count)

    def save_model(self, request: HttpRequest, obj: AutomationScript, form: Any, change: bool) -> None:
        """Save it, and say which APIs it no longer answers."""
        super().save_model(request, obj, form, change)
        broken = _broken_definitions(obj)
        if broken:
            text = "These APIs call an entry point that the script does not have, and answer error 15: {}."
            self.message_user(request, format_html(text, name_definitions(request.user, broken)), messages.WARNING)


def _broken_definitions(script: AutomationScript) -> list[ApiDefinition]:
    missing = set(ApiDefinition.entry_points.values()) - set(script.entry_points())
    actions = [action for action, entry_point in ApiDefinition.entry_points.items() if entry_point in missing]
    return list(ApiDefinition.objects.filter(script=script, action_type__in=actions))
