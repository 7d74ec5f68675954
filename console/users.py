"""The pages of users and groups: Django's own in the console's look, for superusers alone."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.flags import flags
from access.policy import manages_people
from console.superuser_forms import GivenPasswordForm, PersonForm
from console.templatetags.console import local_time
from logins.superusers import refuse_losing_last

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
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        if db_field.related_model is Permission:
            kwargs |= {"queryset": flags(), "form_class": FlagsField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Boxes to tick have no menu of their own beside them."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

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

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = GivenPasswordForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_superuser", "is_active", "groups")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Permissions"), {"fields": ("is_active", "is_superuser", "groups", "user_permissions")}),
        (_("Important dates"), {"fields": ("logged_in_at", "made_at")}),
    )
    readonly_fields = ("logged_in_at", "made_at")

    @admin.display(description=_("last log-in"))
    def logged_in_at(self, obj: User) -> SafeString | None:
        """When he last logged in."""
        return local_time(obj.last_login) or None

    @admin.display(description=_("created"))
    def made_at(self, obj: User) -> SafeString:
        """When he was made."""
        return local_time(obj.date_joined)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """The page that sets a password; superusers are held from the check to the save."""
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; a bulk delete and its check are one transaction."""
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        with transaction.atomic():
            return super().changelist_view(request, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The objects that a delete removes, and the reasons against it: the last superuser stays."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        try:
            refuse_losing_last([obj.pk for obj in objs])
        except ValidationError as refusal:
            protected = [*protected, *refusal.messages]
        return deleted, counts, lacking, protected


class TeamAdmin(PeoplePages, _GroupAdmin, _Look):
    """Groups: flags under a name, given to users."""
