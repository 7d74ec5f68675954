"""The pages of users and groups: Django's own, in the console's look and with Django's own permissions."""

from typing import TYPE_CHECKING, TypeAlias

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

if TYPE_CHECKING:
    _UserAdmin: TypeAlias = UserAdmin[User]

    class _Look:
        """django-unfold has no types."""
else:
    from unfold.admin import ModelAdmin as _Look

    _UserAdmin = UserAdmin


class PeopleAdmin(_UserAdmin, _Look):
    """Users."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


class TeamAdmin(GroupAdmin, _Look):
    """Groups."""
