"""What the forms of the console have in common: errors find their field, and a late save is noticed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from access.policy import AnyUser

if TYPE_CHECKING:
    ModelForm: TypeAlias = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class SeenVersionField(forms.IntegerField):
    """The version that the user saw when he opened the form; no change of his own."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never: it must not appear in the history."""
        return False


class CheckedForm(ModelForm):
    """A form over an object whose rules are its model's."""

    user: ClassVar[AnyUser] = AnonymousUser()
    refusal: ClassVar[ValidationError | None] = None
    """Why the same input was refused when it was to be saved."""
    places: ClassVar[Mapping[str, str]] = {}
    """The form's field for a field of the model that has another name here."""
    needed: ClassVar[Sequence[str]] = ()
    """Fields that the model takes as blank, so that it can refuse them with its own reason."""

    seen_version = SeenVersionField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        for name in self.fields.keys() & set(self.needed):
            self.fields[name].required = True

    def clean(self) -> dict[str, Any]:
        """Refuse what was refused before, and what would undo a change that the user has not seen."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.refusal is not None:
            self.add_error(None, self.refusal)
        if cleaned.get("seen_version") not in {None, self.instance.version}:
            self.add_error(None, self._stale())
        return cleaned

    def add_error(self, field: str | None, error: Any) -> None:
        """Errors by field of the model go to the form's fields; one complaint about a field is enough."""
        if field is not None or not hasattr(error, "error_dict"):
            super().add_error(field, error)
            return
        for name, errors in error.error_dict.items():
            self._add_to(self.places.get(name, name), errors)

    def _add_to(self, name: str, errors: Iterable[ValidationError]) -> None:
        if name not in self.fields:
            super().add_error(None, list(errors))
        elif name not in self.errors:
            super().add_error(name, list(errors))

    def _stale(self) -> ValidationError:
        return ValidationError(
            "%(user)s has changed it since you opened this page. Load the page again, then make your changes.",
            code="Stale",
            params={"user": self.instance.last_modified_by},
        )
