"""The forms of a token: a new one with its secret, its properties, and a new secret for it."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from console.forms import CheckedForm
from console.secret import TicketField
from foundation.texts import NAME_LENGTH
from objects.changes import refusal
from tokens import secrets
from tokens.models import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS, ApiToken

PRESET = {"rate_limit": 60, "rate_window_seconds": 60}
"""What the form of a new token starts with: sixty requests a minute."""

_INPUT = {"class": "ud-input"}


class TokenForm(CheckedForm):
    """The properties of a token."""

    needed = ("name",)
    name = forms.CharField(
        label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput(_INPUT | {"autocomplete": "off"})
    )
    is_disabled = forms.BooleanField(label=_("Disabled"), required=False, help_text=_("It opens nothing."))

    class Meta:
        labels: ClassVar = {"rate_limit": _("Requests"), "rate_window_seconds": _("in seconds")}
        widgets: ClassVar = {
            "rate_limit": forms.NumberInput(_INPUT | {"min": 1, "max": LARGEST_LIMIT}),
            "rate_window_seconds": forms.NumberInput(_INPUT | {"min": 1, "max": LONGEST_WINDOW_SECONDS}),
        }


class SecretForm(CheckedForm):
    """Sets the secret of a token: the user's own, or a generated one."""

    places: ClassVar = {"secret_digest": "secret"}
    secret = forms.CharField(
        label=_("Own secret"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(_INPUT | {"autocomplete": "new-password", "spellcheck": "false"}),
        help_text=format_lazy(
            _(
                "Leave it empty to have one generated. An own one has {} to {} characters out of "
                "A-Z a-z 0-9 _ - . = + /."
            ),
            secrets.SHORTEST,
            secrets.LONGEST,
        ),
    )
    new_secret = ""

    def clean(self) -> dict[str, Any]:
        """The token takes the secret here, so that its rules find it."""
        cleaned = super().clean()
        try:
            self.new_secret = self.instance.set_secret(cleaned.get("secret") or None)
        except ValidationError as error:
            self.add_error("secret", error)
        return cleaned


class NewTokenForm(TokenForm, SecretForm):
    """A token together with its first secret. The same form makes it once, however often it is sent."""

    needed = TokenForm.needed

    class Meta(TokenForm.Meta):
        pass

    ticket = TicketField()


class RotateForm(SecretForm):
    """The new secret of a token that exists, in the version that the user has seen."""

    class Meta:
        model = ApiToken
        fields: ClassVar[list[str]] = []

    def _is_stale(self, cleaned: Any) -> bool:
        """Sent again, the form must not rotate again: its secret has been shown and is in use by now."""
        return bool(cleaned.get("seen_version") != self.instance.version)

    def _stale(self) -> ValidationError:
        return refusal(
            "Stale",
            str(
                _(
                    "Nothing was rotated: this form has been sent already, or %(user)s has changed the token since it "
                    "was opened. A secret is shown only once."
                )
            ),
            user=self.instance.last_modified_by,
        )
