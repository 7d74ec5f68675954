"""The pages of users and groups: Django's own in the console's look, for superusers alone."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultiple

from access.flags import flags
from access.policy import manages_people

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _UserAdmin: TypeAlias = UserAdmin[User]
    _GroupAdmin: TypeAlias = ModelAdmin[Group]
    _Page: TypeAlias = ModelAdmin[Any]
    _FlagChoice: TypeAlias = forms.ModelMultipleChoiceField[Permission]

    class _Look:
        """django-unfold has no types."""
else:
    from unfold.admin import ModelAdmin as _Look

    _UserAdmin, _GroupAdmin, _Page, _FlagChoice = UserAdmin, GroupAdmin, object, forms.ModelMultipleChoiceField


class FlagsField(_FlagChoice):
    """Flags by their names."""

    def label_from_instance(self, obj: Permission) -> str:
        """The flag's own name; Django would put app and model before it."""
        return obj.name


class PeoplePages(_Page):
    """Who gives flags can give himself every one: this takes a superuser, and no flag will do."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Flags, where Django has permissions; boxes to tick, because there are few of each."""
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultiple
        if db_field.related_model is Permission:
            kwargs |= {"queryset": flags(), "form_class": FlagsField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user is a superuser."""
        return manages_people(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user is a superuser."""
        return manages_people(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user is a superuser."""
        return manages_people(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user is a superuser."""
        return manages_people(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the user is a superuser."""
        return manages_people(request.user)


class PeopleAdmin(PeoplePages, _UserAdmin, _Look):
    """Users. Django's "staff" is not shown: flags open the console."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_superuser", "is_active", "groups")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        ("Personal info", {"fields": ("first_name", "last_name", "email")}),
        ("Permissions", {"fields": ("is_active", "is_superuser", "groups", "user_permissions")}),
        ("Important dates", {"fields": ("last_login", "date_joined")}),
    )


class TeamAdmin(PeoplePages, _GroupAdmin, _Look):
    """Groups: flags under a name, given to users."""
