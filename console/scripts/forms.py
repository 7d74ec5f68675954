"""The form of a script."""

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from automation.models import LARGEST_MEMORY_MB, LONGEST_TIMEOUT_SECONDS, SMALLEST_MEMORY_MB
from console.forms import CheckedForm
from definitions.publication import locked_source, refused_publishing
from objects.changes import refusal

_INPUT = {"class": "ud-input"}


class LinesField(forms.Field):
    """A list of names, entered one a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """The lines as a list; empty ones are nothing."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class SourceField(forms.CharField):
    """A program as it was written; only the line ends that browsers make are undone."""

    def __init__(self) -> None:
        # Django's own template of it keeps an empty first line, the theme's does not.
        widget = forms.Textarea({"class": "ud-input ud-source", "rows": 24, "spellcheck": "false", "wrap": "off"})
        super().__init__(label=_("Source"), required=False, strip=False, widget=widget)

    def to_python(self, value: Any) -> str:
        """The text with newlines alone at the ends of its lines."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ScriptForm(CheckedForm):
    """A script."""

    needed = ("name", "source")
    source = SourceField()
    parameters = LinesField(
        label=_("Script parameters"),
        required=False,
        help_text=_("The names, one a line. A caller sends a value for each."),
        widget=forms.Textarea(_INPUT | {"rows": 3, "spellcheck": "false"}),
    )

    class Meta:
        labels: ClassVar = {
            "timeout_seconds": _("Time-out (seconds)"),
            "memory_limit_mb": _("Memory limit (MB)"),
            "reuse": _("Process"),
        }
        widgets: ClassVar = {
            "name": forms.TextInput(_INPUT | {"autocomplete": "off"}),
            "description": forms.Textarea(_INPUT | {"rows": 2}),
            "timeout_seconds": forms.NumberInput(_INPUT | {"min": 1, "max": LONGEST_TIMEOUT_SECONDS}),
            "memory_limit_mb": forms.NumberInput(_INPUT | {"min": SMALLEST_MEMORY_MB, "max": LARGEST_MEMORY_MB}),
            "reuse": forms.Select(_INPUT),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse a change that amounts to publishing code, unless the user may publish."""
        cleaned = super().clean()
        # Until the form is clean, the instance is as it was stored.
        stored = None if self.instance._state.adding else self.instance
        refused = refused_publishing(self.user, stored, cleaned.get("name", ""), cleaned.get("source", ""))
        if refused is not None and not self.errors:
            place = "source" if "source" in self.changed_data else "name"
            self.add_error(place, refusal("PermissionDenied", str(refused)))
        return cleaned

    def locked_source(self) -> Promise | None:
        """Why the user may save no other source than the present; None where some may be saved."""
        return None if self.instance._state.adding else locked_source(self.user, self.instance)
