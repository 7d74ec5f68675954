"""The form of a credential. It takes a value and never shows one: not a stored one, and not the one just typed."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from access.policy import SCRIPT, allows
from automation.credential_keys import CredentialKeyMissingError
from automation.credentials import LARGEST_VALUE_BYTES
from automation.models import AutomationScript
from console.forms import INPUT, CheckedForm
from foundation.ids import parse_uuid

_RULE = format_lazy(
    _(
        "1 byte to {} KB of text, such as a password or a private key. Spaces and line breaks are kept. "
        "It is stored encrypted and never shown again."
    ),
    LARGEST_VALUE_BYTES // 1024,
)
_AGAIN = _("Enter the value again: pages never contain it.")


class MaskedText(forms.Textarea):
    """A text of several lines that is masked like a password, and that no page contains."""

    def __init__(self) -> None:
        # An input of the type `password` has no line breaks, which private keys need. Spelling services send what is
        # typed elsewhere.
        off = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off", "autocorrect": "off"}
        super().__init__({"class": "ud-input ud-masked", "rows": 4} | off)

    def format_value(self, value: Any) -> None:
        """Nothing, whatever was typed."""


class ValueField(forms.CharField):
    """A value exactly as typed, but for the line ends that browsers change."""

    widget = MaskedText

    def __init__(self) -> None:
        super().__init__(label=_("Value"), required=False, strip=False)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class GrantedScripts(forms.SelectMultiple):
    """The chosen scripts; the browser asks for the list to choose from."""

    template_name = "console/credentials/script_picker.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        # Objects, ids, or any text that a browser has sent.
        ids = [parse_uuid(str(getattr(each, "pk", each))) for each in value or ()]
        chosen = AutomationScript.objects.filter(pk__in=[each for each in ids if each]).defer("source").order_by("name")
        return super().get_context(name, [], attrs) | {"chosen": chosen}

    def optgroups(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []


class CredentialForm(CheckedForm):
    """A credential with the scripts that may read it. Only users who may view scripts change these."""

    needed = ("name",)
    placed = frozenset({"name", "description", "value", "allowed_scripts"})
    places: ClassVar = {"ciphertext": "value"}

    value = ValueField()
    allowed_scripts = forms.ModelMultipleChoiceField(
        AutomationScript.objects.defer("source"), label=_("Granted scripts"), required=False, widget=GrantedScripts
    )

    class Meta:
        widgets: ClassVar = {"name": forms.TextInput(INPUT | {"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not allows(self.user, SCRIPT, "view"):
            self.fields.pop("allowed_scripts", None)
        if "value" in self.fields:
            is_new = self.instance._state.adding
            self.fields["value"].required = is_new
            self.fields["value"].help_text = _RULE if is_new else _("Leave empty to keep the current value.")

    def clean(self) -> dict[str, Any]:
        """Set the value before the rules of the credential are checked."""
        cleaned = super().clean()
        if value := cleaned.get("value"):
            try:
                self.instance.set_value(value)
            except CredentialKeyMissingError as error:
                self.add_error("value", ValidationError(str(error)))
        return cleaned

    def _post_clean(self) -> None:
        """Check the rules. A form that is shown again says that it has lost the value, and insists on it."""
        super()._post_clean()  # type: ignore[misc]  # django-stubs leave it out
        if self.errors and "value" in self.changed_data:
            self.fields["value"].widget.attrs["required"] = True
            if "value" not in self.errors:
                self.add_error("value", ValidationError(_AGAIN, code="Again"))

    def _difference(self, name: str) -> tuple[str, str, str]:
        return super()._difference(name) if name != "value" else (str(self.fields[name].label), "•••", "•••")
