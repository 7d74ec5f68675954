"""The forms of users and groups: flags as a matrix, passwords never shown, the last superuser kept."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from console.forms import INPUT
from console.people.flag_matrix import flag_of
from logins.superusers import refuse_losing_last

_TYPED = (forms.TextInput, forms.EmailInput, forms.PasswordInput)


def in_our_look(form: Any) -> None:
    """Give typed fields the look of the console."""
    for field in form.fields.values():
        if isinstance(field.widget, _TYPED):
            field.widget.attrs |= INPUT


def flags_of_groups(user: User) -> set[str]:
    """The flags that a user has from groups."""
    granted = Permission.objects.filter(group__user=user).select_related("content_type")
    return {flag_of(permission) for permission in granted}


class FlagsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes no argument at run time
    """Flags by their names; Django would put app and model before them."""

    def label_from_instance(self, obj: Permission) -> str:
        return obj.name


class PersonForm(UserChangeForm):  # type: ignore[misc]  # django-unfold has no types
    """A user. The last superuser stays one, and active. The password has a page of its own."""

    instance: User

    class Meta(UserChangeForm.Meta):  # type: ignore[misc]  # django-unfold has no types
        labels: ClassVar = {
            "is_active": _("Can log in"),
            "is_superuser": _("Superuser"),
            "user_permissions": _("Flags"),
        }
        help_texts: ClassVar = {"is_active": "", "is_superuser": _("Has all permissions."), "username": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # It would show the salt and the hash.
        del self.fields["password"]
        in_our_look(self)
        if self.instance.pk:
            self.fields["user_permissions"].widget.inherited = flags_of_groups(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("is_active") and cleaned.get("is_superuser")):
            refuse_losing_last([self.instance.pk])
        return cleaned


class NewPersonForm(UserCreationForm):  # type: ignore[misc]  # django-unfold has no types
    """A new user; flags and groups come next."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        in_our_look(self)


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no argument at run time
    """A group and its flags."""

    class Meta:
        model = Group
        fields = ("name", "permissions")
        labels: ClassVar = {"permissions": _("Flags")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        in_our_look(self)


class GivenPasswordForm(AdminPasswordChangeForm):  # type: ignore[misc]  # django-unfold has no types
    """A password that a superuser sets for a user. The last superuser keeps one."""

    user: User

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("set_usable_password") is False:
            try:
                refuse_losing_last([self.user.pk])
            except ValidationError as refusal:
                # The page shows the errors of these fields alone.
                self.add_error("password1", refusal)
        return cleaned
