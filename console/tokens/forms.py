"""The forms of a token: its properties, a new token with its secret, and a new secret."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from console.forms import INPUT, CheckedForm
from console.secret import TicketField
from console.tokens.apis import ChosenApis, may_choose
from definitions.models import ApiDefinition
from tokens import secrets
from tokens.models import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS, ApiToken

_SECRET_HELP = _(
    "Leave it empty to generate one. Your own secret needs {} to {} characters from A-Z a-z 0-9 _ - . = + /."
)


class TokenForm(CheckedForm):
    """The properties of a token."""

    placed = frozenset({"name", "is_disabled", "rate_limit", "rate_window_seconds", "secret"})
    needed = ("name",)

    class Meta:
        labels: ClassVar = {"rate_limit": _("Requests"), "rate_window_seconds": _("in seconds")}
        widgets: ClassVar = {
            "name": forms.TextInput(INPUT | {"autocomplete": "off"}),
            "is_disabled": forms.CheckboxInput(),
            "rate_limit": forms.NumberInput(INPUT | {"min": 1, "max": LARGEST_LIMIT}),
            "rate_window_seconds": forms.NumberInput(INPUT | {"min": 1, "max": LONGEST_WINDOW_SECONDS}),
        }


class SecretForm(CheckedForm):
    """Sets the secret of a token: a given or a generated one."""

    places: ClassVar = {"secret_digest": "secret"}
    secret = forms.CharField(
        label=_("My own secret"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(INPUT | {"autocomplete": "new-password", "spellcheck": "false"}),
        help_text=format_lazy(_SECRET_HELP, secrets.SHORTEST, secrets.LONGEST),
    )
    new_secret = ""

    def clean(self) -> dict[str, Any]:
        """Set the secret before the rules of the token are checked."""
        cleaned = super().clean()
        try:
            self.new_secret = self.instance.set_secret(cleaned.get("secret") or None)
        except ValidationError as error:
            self.add_error("secret", error)
        return cleaned


class NewTokenForm(TokenForm, SecretForm):
    """A token with its first secret. However often the form is sent, it creates one token."""

    needed = TokenForm.needed

    placed = TokenForm.placed | {"apis"}

    class Meta(TokenForm.Meta):
        pass

    ticket = TicketField()
    apis = forms.ModelMultipleChoiceField(
        ApiDefinition.objects.all(), label=_("APIs that allow it"), required=False, widget=ChosenApis
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_choose(self.user):
            self.fields.pop("apis", None)


class RotateForm(SecretForm):
    """A new secret for the revision of a token that the user has seen."""

    conflict_text = _(
        "The secret was not rotated: this form was sent already, or %(user)s has changed the token since you opened it."
    )

    class Meta:
        model = ApiToken
        fields: ClassVar[list[str]] = []

    def _is_stale(self, cleaned: Any) -> bool:
        """Stricter than for other forms: sent again, this one must not replace a secret that is in use by now."""
        return bool(cleaned.get("seen_revision") != self.instance.revision)
