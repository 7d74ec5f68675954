"""What the forms of the console have in common: errors find their field, and a late save is noticed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from access.policy import AnyUser

if TYPE_CHECKING:
    ModelForm: TypeAlias = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class NotShownField(forms.CharField):
    """What a form carries for itself; no change of the user's own."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never: it must not appear in the history."""
        return False


class SeenVersionField(forms.IntegerField):
    """The version that the user saw when he opened the form."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never: it must not appear in the history."""
        return False


@dataclass(frozen=True)
class Difference:
    """A field whose stored value is not what the user typed."""

    label: str
    stored: str
    typed: str


@dataclass(frozen=True)
class Conflict:
    """Who has changed the object since the user opened its form, when, to which version, and what differs now."""

    user: str
    time: datetime
    version: int
    differences: Sequence[Difference]


class CheckedForm(ModelForm):
    """A form over an object whose rules are its model's."""

    user: ClassVar[AnyUser] = AnonymousUser()
    refusal: ClassVar[ValidationError | None] = None
    """Why the same input was refused when it was to be saved."""
    places: ClassVar[Mapping[str, str]] = {}
    """The form's field for a field of the model that has another name here."""
    needed: ClassVar[Sequence[str]] = ()
    """Fields that the model takes as blank, so that it can refuse them with its own reason."""

    conflict: Conflict | None = None
    """What another user did meanwhile, where that is why the save is refused."""
    overwrite = "overwrite"
    """The version over which the user wants to save, once he has been told of it."""

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
        if self._is_stale(cleaned):
            self.conflict = self._conflict()
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

    def _is_stale(self, cleaned: Mapping[str, Any]) -> bool:
        accepted = {None, self.instance.version}
        return cleaned.get("seen_version") not in accepted and self._overwritten() != str(self.instance.version)

    def _overwritten(self) -> str:
        return str(self.data.get(self.overwrite, ""))

    def _conflict(self) -> Conflict:
        changed = [name for name in self.changed_data if not self.fields[name].widget.is_hidden]
        differences = [self._difference(name) for name in changed]
        obj = self.instance
        return Conflict(obj.last_modified_by, obj.last_modified, obj.version, differences)

    def _difference(self, name: str) -> Difference:
        field = self.fields[name]
        stored = self.get_initial_for_field(field, name)
        typed = self.cleaned_data.get(name, self.data.get(self.add_prefix(name)))
        return Difference(str(field.label or name), _shown(field, stored), _shown(field, typed))

    def _stale(self) -> ValidationError:
        return ValidationError(
            _("%(user)s has changed it since you opened this page; nothing has been saved."),
            code="Stale",
            params={"user": self.instance.last_modified_by},
        )


def _shown(field: Any, value: Any) -> str:
    """A value of `field` as a user reads it."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, str) or not isinstance(value, Iterable):
        return _one(field, value)
    return "\n".join(_one(field, each) for each in value) or "-"


def _one(field: Any, value: Any) -> str:
    if value in (None, ""):
        return "-"
    rows = getattr(field, "queryset", None)
    if rows is not None:
        return str(value if isinstance(value, Model) else rows.filter(pk=value).first() or value)
    return str(dict(getattr(field, "choices", ())).get(value, value))
