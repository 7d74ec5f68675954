"""The form of a script."""

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorList
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from automation.models import LARGEST_MEMORY_MB, LONGEST_TIMEOUT_SECONDS, SMALLEST_MEMORY_MB
from automation.versions import LONGEST_NOTE
from console.blockers import with_links
from console.forms import INPUT, CheckedForm
from definitions.publication import Draft, locked_source, refused_publishing
from definitions.warnings import Consequence, consequences
from objects.changes import refusal


class LinesField(forms.Field):
    """A list of names, entered one per line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class SourceField(forms.CharField):
    """A source exactly as typed, but for the line ends that browsers change."""

    def __init__(self) -> None:
        # Not the theme's widget: its template loses an empty first line.
        widget = forms.Textarea({"class": "ud-input ud-source", "rows": 24, "spellcheck": "false", "wrap": "off"})
        super().__init__(label=_("Source"), required=False, strip=False, widget=widget)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ScriptForm(CheckedForm):
    """A script. Saving code that an API runs amounts to publishing it."""

    placed = frozenset({"name", "description", "kind", "source", "parameters", "version_note"})
    needed = ("name", "source")
    source = SourceField()
    parameters = LinesField(
        label=_("Script parameters"),
        required=False,
        help_text=_("One name per line. Callers must send a value for each."),
        widget=forms.Textarea(INPUT | {"rows": 3, "spellcheck": "false"}),
    )

    version_note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=forms.TextInput(
            INPUT
            | {"maxlength": LONGEST_NOTE, "placeholder": _("Note: what you changed and why"), "autocomplete": "off"}
        ),
    )

    consequences: Sequence[Consequence] = ()
    """What the save would do to APIs, if the user has not accepted it yet."""

    class Meta:
        widgets: ClassVar = {
            "name": forms.TextInput(INPUT | {"autocomplete": "off"}),
            "kind": forms.Select(INPUT),
            "timeout_seconds": forms.NumberInput(INPUT | {"min": 1, "max": LONGEST_TIMEOUT_SECONDS}),
            "memory_limit_mb": forms.NumberInput(INPUT | {"min": SMALLEST_MEMORY_MB, "max": LARGEST_MEMORY_MB}),
            "reuse": forms.Select(INPUT),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.instance.version_note = cleaned.get("version_note", "").replace("\r\n", "\n")
        # Until the form is clean, the instance is as it was stored.
        stored = None if self.instance._state.adding else self.instance
        draft = Draft(cleaned.get("name", ""), cleaned.get("source", ""), cleaned.get("kind", self.instance.kind))
        refused = refused_publishing(self.user, stored, draft)
        if refused is not None and not self.errors:
            place = "source" if "source" in self.changed_data else "name"
            self.add_error(place, refusal("PermissionDenied", str(refused)))
        return cleaned

    def _post_clean(self) -> None:
        """Fill in the script and check its rules; then ask before a save that would affect APIs."""
        super()._post_clean()  # type: ignore[misc]  # django-stubs leave it out
        if self.errors:
            return
        found = consequences(self.instance)
        if found and self.data.get("save_anyway") != _mark(found):
            self.consequences = found
            self.add_error(None, ValidationError(_("Nothing has been saved yet.")))

    def non_field_errors(self) -> ErrorList:
        """The errors above the form. Consequences are shown with their question, and are no error."""
        return ErrorList() if self.consequences else super().non_field_errors()

    def add_error(self, field: str | None, error: Any) -> None:
        """Assign the error to its field; scripts that prevent a change are shown with links."""
        if field is None and hasattr(error, "error_dict"):
            named = {name: [with_links(each) for each in errors] for name, errors in error.error_dict.items()}
            error = ValidationError(named)
        super().add_error(field, error)

    def accepts(self) -> str:
        """What *Save anyway* sends: these consequences and no others."""
        return _mark(self.consequences)

    def locked_source(self) -> Promise | None:
        """Why the user may not change the source; None where they may."""
        return None if self.instance._state.adding else locked_source(self.user, self.instance)


def _mark(found: Sequence[Consequence]) -> str:
    """A digest that differs for other consequences."""
    said = [(each.reason, each.detail, sorted(str(api.pk) for api in each.definitions)) for each in found]
    return hashlib.sha256(repr(said).encode()).hexdigest()
