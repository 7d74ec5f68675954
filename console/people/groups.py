"""The pages of groups: their flags, and their members."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.flags import flags
from console import cells
from console.lists import column
from console.people.flag_matrix import FlagCell, flag_of, hints, matrix, words
from console.people.forms import TeamForm
from console.people.pages import PeoplePages

MEMBERS_SHOWN = 200


class TeamAdmin(GroupAdmin, PeoplePages):
    """Groups: flags under a name, given to users."""

    form = TeamForm
    change_form_template = "console/people/group_form.html"
    readable_template: ClassVar = "console/people/group.html"
    list_display = ("name", "member_count", "flag_count")

    search_hint = gettext_lazy("Search by name")
    empty_icon = "group"

    @admin.display(description=gettext_lazy("members"), ordering="members")
    def member_count(self, obj: Any) -> SafeString:
        page = f"{reverse('admin:auth_user_changelist')}?group={obj.pk}"
        return cells.link(page, obj.members) if obj.members else cells.muted(0)

    flag_count = column("given", gettext_lazy("flags"), int)

    def get_queryset(self, request: HttpRequest) -> Any:
        counts = {"members": Count("user", distinct=True), "given": Count("permissions", distinct=True)}
        return super().get_queryset(request).annotate(**counts)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.members_page)
        return [path("<path:object_id>/members/", page, name="auth_group_members"), *super().get_urls()]

    def readable_context(self, request: HttpRequest, obj: Group) -> dict[str, Any]:
        """The flags of the group, and its members by name."""
        members = obj.user_set.order_by("username")
        given = {flag_of(each) for each in obj.permissions.select_related("content_type")}
        word_of = words()
        shown = {
            flag: FlagCell(flag, permission.name, word_of.get(flag, ""), flag in given)
            for flag, permission in ((flag_of(each), each) for each in flags())
        }
        count = members.count()
        return {
            "members": members[:MEMBERS_SHOWN],
            "member_count": count,
            "more": max(0, count - MEMBERS_SHOWN),
            "rows": matrix(shown),
            "hints": hints(given),
        }

    def members_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Add or remove a member, by user name.

        Raises:
            PermissionDenied: the user is no superuser, or the request is no POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        group = self.found(request, object_id)
        name = request.POST.get("username", "").strip()
        member = User.objects.filter(username=name).first() if "\0" not in name else None
        if member is None:
            self.message_user(request, _("There is no user with this name."), messages.ERROR)
        elif request.POST.get("change") == "remove":
            group.user_set.remove(member)
            self.message_user(request, _("%s is no longer a member.") % member.get_username(), messages.SUCCESS)
        else:
            group.user_set.add(member)
            self.message_user(request, _("%s is a member now.") % member.get_username(), messages.SUCCESS)
        return HttpResponseRedirect(self.page_of(group, "view"))
