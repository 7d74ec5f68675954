"""What the forms of the console share: errors find their field, and a save over another's change is noticed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from access.policy import AnyUser

INPUT = {"class": "ud-input"}
DRAFTED: Final = frozenset({"description", "source", "version_note"})
"""Texts that the browser keeps as a draft while they are typed: none of them is secret."""


class CheckedForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no argument at run time
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

    conflict: Sequence[tuple[str, str, str]] | None = None
    """After a change by another user: the label, stored and typed value of each field that this user has changed."""
    conflict_text: ClassVar[Any] = _("%(user)s has changed it since you opened this page. Nothing has been saved.")

    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)
    """The revision of the object when the user opened the form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_revision"].initial = self.instance.revision
        for name in self.fields.keys() & set(self.needed):
            self.fields[name].required = True
        for name in self.fields.keys() & DRAFTED:
            self.fields[name].widget.attrs["data-draft"] = ""

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
            self.conflict = [self._difference(name) for name in self.changed_data]
            user = {"user": self.instance.last_modified_by}
            self.add_error(None, ValidationError(self.conflict_text, code="Stale", params=user))
        return cleaned

    def add_error(self, field: str | None, error: Any) -> None:
        """Assign errors of model fields to form fields, one error to each."""
        if field is not None or not hasattr(error, "error_dict"):
            super().add_error(field, error)
            return
        for name, errors in error.error_dict.items():
            place = self.places.get(name, name)
            if place not in self.fields:
                super().add_error(None, list(errors))
            elif place not in self.errors:
                super().add_error(place, list(errors))

    def _is_stale(self, cleaned: Mapping[str, Any]) -> bool:
        stored = self.instance.revision
        return cleaned.get("seen_revision") not in {None, stored} and self.data.get("overwrite") != str(stored)

    def _difference(self, name: str) -> tuple[str, str, str]:
        field = self.fields[name]
        stored = self.get_initial_for_field(field, name)
        typed = self.cleaned_data.get(name, self.data.get(self.add_prefix(name)))
        return str(field.label or name), _shown(field, stored), _shown(field, typed)


def typed_into(form: forms.BaseForm) -> list[tuple[str, str]]:
    """The label and value of each field that was filled in, but for secrets, in the order of the form."""
    form.is_valid()
    texts = []
    for bound in form.visible_fields():
        if isinstance(bound.field.widget, forms.PasswordInput):
            continue
        # A widget that gives nothing back holds a secret.
        given_back = bound.field.widget.format_value(bound.value())
        shown = _shown(bound.field, getattr(form, "cleaned_data", {}).get(bound.name, bound.value()))
        if given_back not in (None, "", []) and shown != "-":
            texts.append((str(bound.label), shown))
    return texts


def _chosen(field: Any, value: Any) -> Model | None:
    """The object that a browser has sent the id of; None for one that is gone, or for anything else."""
    try:
        found: Model | None = field.queryset.filter(**{field.to_field_name or "pk": value}).first()
    except (ValueError, ValidationError):
        return None
    return found


def _shown(field: Any, value: Any) -> str:
    """A value of `field` in words."""
    if value in (None, ""):
        return "-"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "\n".join(_shown(field, each) for each in value) or "-"
    if getattr(field, "queryset", None) is not None:
        return str(value if isinstance(value, Model) else _chosen(field, value) or value)
    return str(dict(getattr(field, "choices", ())).get(value, value))
