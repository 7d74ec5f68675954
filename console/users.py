"""The pages of users and groups: Django's own in the console's look, for superusers alone."""

from contextlib import nullcontext
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.flags import flags
from access.policy import Action, AnyUser, manages_people
from console.lists import NamedRows, column
from console.templatetags.console import local_time
from logins.superusers import refuse_losing_last


class PersonForm(UserChangeForm):  # type: ignore[misc]  # django-unfold has no types
    """A user. The last superuser stays one, and active."""

    instance: User

    class Meta(UserChangeForm.Meta):  # type: ignore[misc]  # django-unfold has no types
        labels: ClassVar = {"is_active": _("Can log in"), "is_superuser": _("Superuser")}
        help_texts: ClassVar = {"is_active": "", "is_superuser": _("Has all permissions.")}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("is_active") and cleaned.get("is_superuser")):
            refuse_losing_last([self.instance.pk])
        return cleaned


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


class FlagsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes no argument at run time
    """Flags by their names; Django would put app and model before them."""

    def label_from_instance(self, obj: Permission) -> str:
        return obj.name


class PeoplePages(NamedRows):
    """Superusers only: users who can grant flags could grant themselves every flag."""

    def permits(self, user: AnyUser, action: Action) -> bool:
        return manages_people(user)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Flags in place of Django's permissions; checkboxes, because there are few."""
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        if db_field.related_model is Permission:
            kwargs |= {"queryset": flags(), "form_class": FlagsField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Checkboxes without the menu that Django adds beside a choice of related objects."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a delete removes, without the rows that only link two objects."""
        deleted, *others = super().get_deleted_objects(objs, request)
        through: Any = [field.remote_field.through for field in self.opts.many_to_many]
        # Django lists them as `User-group relationship: User_groups object (1)`.
        links = tuple(f"{capfirst(model._meta.verbose_name)}:" for model in through)
        return _without(deleted, links), *others


def _without(nested: list[Any], beginnings: tuple[str, ...]) -> list[Any]:
    kept = [each for each in nested if not (isinstance(each, str) and each.startswith(beginnings))]
    return [_without(each, beginnings) if isinstance(each, list) else each for each in kept]


# The transaction of a password holds the superusers from the check to the save.
@method_decorator(transaction.atomic, name="user_change_password")
class PeopleAdmin(UserAdmin, PeoplePages):  # type: ignore[type-arg]  # takes no argument at run time
    """Users. Django's "staff" is not shown: flags open the console."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = GivenPasswordForm
    list_display = ("username", "email", "first_name", "last_name", "can_log_in", "is_a_superuser")
    list_filter = ("is_superuser", "is_active", "groups")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Permissions"), {"fields": ("is_active", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("logged_in_at", "made_at")}),
    )
    readonly_fields = ("logged_in_at", "made_at")

    can_log_in = column("is_active", _("can log in"), bool, boolean=True)
    is_a_superuser = column("is_superuser", _("superuser"), bool, boolean=True)
    logged_in_at = column("last_login", _("last log-in"), lambda value: local_time(value) or None)
    made_at = column("date_joined", _("created"), local_time)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list. A bulk delete and its check are one transaction."""
        with transaction.atomic() if request.method == "POST" else nullcontext():
            return super().changelist_view(request, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a delete removes and what prevents it: the last superuser stays."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        try:
            refuse_losing_last([obj.pk for obj in objs])
        except ValidationError as refusal:
            protected = [*protected, *refusal.messages]
        return deleted, counts, lacking, protected


class TeamAdmin(GroupAdmin, PeoplePages):
    """Groups: flags under a name, given to users."""
