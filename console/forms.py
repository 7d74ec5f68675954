"""What the forms of the console share: errors find their field, and a save over another's change is noticed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from access.policy import AnyUser

if TYPE_CHECKING:
    ModelForm: TypeAlias = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


INPUT = {"class": "ud-input"}


@dataclass(frozen=True)
class Difference:
    """A field whose stored value differs from what the user typed."""

    label: str
    stored: str
    typed: str


@dataclass(frozen=True)
class Conflict:
    """A change by another user since this user opened the form."""

    user: str
    time: datetime
    version: int
    differences: Sequence[Difference]


class CheckedForm(ModelForm):
    """A form of an object whose model has the rules."""

    user: ClassVar[AnyUser] = AnonymousUser()
    refusal: ClassVar[ValidationError | None] = None
    """Why a save of the same input was refused."""
    places: ClassVar[Mapping[str, str]] = {}
    """Form fields by model field, where their names differ."""
    needed: ClassVar[Sequence[str]] = ()
    """Fields that the model accepts as blank, so that it can refuse them with its own reason."""
    placed: ClassVar[frozenset[str]] = frozenset()
    """Fields that the template puts in a place of their own; it shows the others one after the other."""

    conflict: Conflict | None = None
    """The change by another user that made the save fail."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    """The version of the object when the user opened the form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        for name in self.fields.keys() & set(self.needed):
            self.fields[name].required = True

    @cached_property
    def changed_data(self) -> list[str]:
        """The changed fields of the object, for conflicts and history; hidden fields are the form's own."""
        return [name for name in super().changed_data if not self.fields[name].widget.is_hidden]

    def further_fields(self) -> list[forms.BoundField]:
        """The visible fields that the template does not place."""
        return [field for field in self.visible_fields() if field.name not in self.placed]

    def clean(self) -> dict[str, Any]:
        """Refuse what was refused before, and what would overwrite a change that the user has not seen."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.refusal is not None:
            self.add_error(None, self.refusal)
        if self._is_stale(cleaned):
            self.conflict = self._conflict()
            self.add_error(None, self._stale())
        return cleaned

    def add_error(self, field: str | None, error: Any) -> None:
        """Assign errors of model fields to form fields, one error to each."""
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
        stored = self.instance.version
        return cleaned.get("seen_version") not in {None, stored} and self.data.get("overwrite") != str(stored)

    def _conflict(self) -> Conflict:
        differences = [self._difference(name) for name in self.changed_data]
        obj = self.instance
        return Conflict(obj.last_modified_by, obj.last_modified, obj.version, differences)

    def _difference(self, name: str) -> Difference:
        field = self.fields[name]
        stored = self.get_initial_for_field(field, name)
        typed = self.cleaned_data.get(name, self.data.get(self.add_prefix(name)))
        return Difference(str(field.label or name), _shown(field, stored), _shown(field, typed))

    def _stale(self) -> ValidationError:
        return ValidationError(
            _("%(user)s has changed it since you opened this page. Nothing has been saved."),
            code="Stale",
            params={"user": self.instance.last_modified_by},
        )


def _shown(field: Any, value: Any) -> str:
    """A value of `field` in words."""
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
