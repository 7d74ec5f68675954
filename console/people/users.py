"""The pages of users: who they are, their flags and where these come from, and what they may do."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import cells
from console.lists import ChoiceFilter, choice_filter, column
from console.object_head import ObjectAction
from console.people.forms import GivenPasswordForm, NewPersonForm, PersonForm
from console.people.pages import PeoplePages
from console.people.permissions import permissions_of
from console.templatetags.console import time_ago
from keys.changes import live_keys
from logins.superusers import refuse_losing_last


class GroupFilter(ChoiceFilter):
    """Members of a group."""

    title = gettext_lazy("group")
    parameter_name = "group"

    @property
    def options(self) -> dict[str, tuple[str, Q]]:  # type: ignore[override]  # as the groups are now
        groups = Group.objects.order_by("name").values_list("pk", "name")
        return {str(key): (name, Q(groups=key)) for key, name in groups}


FILTERS = (
    choice_filter(
        "role",
        gettext_lazy("superuser"),
        {
            "superuser": (gettext_lazy("superusers"), Q(is_superuser=True)),
            "other": (gettext_lazy("others"), Q(is_superuser=False)),
        },
    ),
    choice_filter(
        "login",
        gettext_lazy("can log in"),
        {
            "yes": (gettext_lazy("can log in"), Q(is_active=True)),
            "no": (gettext_lazy("cannot log in"), Q(is_active=False)),
        },
    ),
    GroupFilter,
)


# The transaction of a password holds the superusers from the check to the save.
@method_decorator(transaction.atomic, name="user_change_password")
class PeopleAdmin(UserAdmin, PeoplePages):  # type: ignore[type-arg]  # takes no argument at run time
    """Users. Django's "staff" is not shown: flags open the console."""

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = GivenPasswordForm
    change_form_template = "console/people/user_form.html"
    readable_template: ClassVar = "console/people/user.html"
    list_display = ("username", "full_name", "email", "can_log_in", "is_a_superuser", "team_names", "logged_in_at")
    list_filter = FILTERS
    on_tablets = ("email", "is_a_superuser", "logged_in_at")
    on_phones = ("email", "logged_in_at")
    search_hint = gettext_lazy("Search by name or email")
    empty_icon = "person"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        (gettext_lazy("Permissions"), {"fields": ("is_active", "is_superuser", "groups", "user_permissions")}),
    )

    can_log_in = column("is_active", gettext_lazy("can log in"), bool, boolean=True)
    is_a_superuser = column("is_superuser", gettext_lazy("superuser"), bool, boolean=True)
    logged_in_at = column("last_login", gettext_lazy("last log-in"), lambda value: time_ago(value) or _("never"))
    full_name = column("first_name", gettext_lazy("name"), str)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def team_names(self, obj: User) -> str:
        return ", ".join(sorted(group.name for group in obj.groups.all())) or "-"

    team_names.short_description = gettext_lazy("groups")  # type: ignore[attr-defined]

    def state_of(self, obj: User) -> SafeString:
        if not obj.is_active:
            return cells.badge(_("Cannot log in"), "off")
        return cells.badge(_("Superuser"), "info") if obj.is_superuser else SafeString()

    def actions_on(self, request: HttpRequest, obj: User) -> Sequence[ObjectAction]:
        edit, *others = super().actions_on(request, obj)
        return [edit, ObjectAction(_("Set password"), self.page_of(obj, "password_change"), "password"), *others]

    def readable_context(self, request: HttpRequest, obj: User) -> dict[str, Any]:
        """Who the user is, and what they may do."""
        return {
            "groups": obj.groups.order_by("name"),
            "key_count": live_keys(obj).count(),
            "has_password": obj.has_usable_password(),
            "permissions": permissions_of(obj),
        }

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
