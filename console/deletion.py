"""Deleting on the console's pages: one object or a selection, checked, each refused one named with the reason."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.pages import PolicyAdmin
from console.blockers import SHOWN, name_definitions, refusal_text
from objects.changes import delete_checked

Blocked = list[tuple[str, SafeString]]


class CheckedDeletion(PolicyAdmin):
    """Delete pages that ask `delete_checked` and nobody else."""

    used_through: ClassVar[str] = ""
    """The name of the relation to the API definitions that need the object, if there is one."""
    delete_says: ClassVar[Any] = ""
    """What a delete means for others, for its question."""
    actions: Sequence[str] = ("delete_selected",)
    delete_confirmation_template = "console/delete.html"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a delete takes away and what prevents it; nothing beside the object itself is the user's to allow."""
        free, blocked = self._sort(request, objs)
        return free, {}, set(), blocked

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The delete page; it also says what came in between."""
        try:
            return super().delete_view(request, object_id, self._words() | (extra_context or {}))
        except ValidationError as error:
            self.message_user(request, refusal_text(request.user, error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it checked, in the name of the user."""
        delete_checked(obj, by=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> None:
        """Delete one by one: a bulk delete would pass by the rules."""
        for obj in queryset:
            self.delete_model(request, obj)

    @admin.action(permissions=["delete"], description=gettext_lazy("Delete"))
    def delete_selected(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> HttpResponse | None:
        """Ask, then delete each that can be; the others stay, and the user is told why."""
        chosen = queryset.prefetch_related(self.used_through) if self.used_through else queryset
        if "post" not in request.POST:
            return self._confirmation(request, list(chosen))
        self._delete_each(request, list(queryset))
        return None

    def name_of(self, obj: Any) -> str:
        """What the question calls an object."""
        return str(obj)

    def _sort(self, request: HttpRequest, objs: Sequence[Any]) -> tuple[list[str], Blocked]:
        free: list[str] = []
        blocked: Blocked = []
        for obj in objs:
            users = list(getattr(obj, self.used_through).all()) if self.used_through else []
            if users:
                blocked.append((self.name_of(obj), name_definitions(request.user, users)))
            else:
                free.append(self.name_of(obj))
        return free, blocked

    def _confirmation(self, request: HttpRequest, objs: Sequence[Any]) -> HttpResponse:
        free, blocked = self._sort(request, objs)
        context = {
            **self.admin_site.each_context(request),
            **self._words(),
            "title": _("Delete"),
            "deleted_objects": free,
            "protected": blocked,
            "selected": [obj.pk for obj in objs],
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "console/delete.html", context)

    def _words(self) -> dict[str, Any]:
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return {"delete_says": self.delete_says, "list_page": page}

    def _delete_each(self, request: HttpRequest, objs: Sequence[Any]) -> None:
        refused = []
        for obj in objs:
            try:
                self._delete_logged(request, obj)
            except ValidationError as error:
                refused.append((str(obj), refusal_text(request.user, error)))
        if done := len(objs) - len(refused):
            self.message_user(request, _("Deleted: %d.") % done, messages.SUCCESS)
        if refused:
            self.message_user(request, _not_deleted(refused), messages.ERROR)

    def _delete_logged(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            # Held, and known to be there still: nothing is deleted twice.
            held = self.model._base_manager.select_for_update().filter(pk=obj.pk).first()
            if held is not None:
                logged: Any = [held]
                self.log_deletions(request, logged)
                self.delete_model(request, held)


def _not_deleted(refused: Blocked) -> SafeString:
    reasons = format_html_join("", "<br>{}: {}", refused[:SHOWN])
    more = len(refused) - SHOWN
    rest = format_html("<br>{}", _("and %d more") % more) if more > 0 else ""
    return format_html("{}{}{}", _("Not deleted: %d.") % len(refused), reasons, rest)
