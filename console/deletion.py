"""Deleting on the console's pages: one object or a selection, each checked, each refused one named with the reason."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.blockers import SHOWN, name_definitions, refusal_text
from console.bulk import NAMED, BulkPages, in_turn, joined
from objects.changes import delete_checked


class CheckedDeletion(BulkPages):
    """Delete pages whose every delete goes through `delete_checked`."""

    delete_says: ClassVar[Any] = ""
    """What a delete means for others."""
    protected_says: ClassVar[Any] = gettext_lazy("In use. Remove it from these APIs first:")
    actions: Sequence[str] = ("delete_selected",)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a delete removes and what prevents it. Nothing else is deleted with an object."""
        free, blocked = self._sort(request, objs)
        return free, {}, set(), blocked

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The delete page; after a refused delete it says why."""
        found = self.get_object(request, unquote(object_id)) if self.has_delete_permission(request) else None
        words = self._words(self.noun(1), self.last_use(request, [found.pk]) if found is not None else SafeString())
        context = words | (extra_context or {})
        try:
            return super().delete_view(request, object_id, context)
        except ValidationError as error:
            self.message_user(request, refusal_text(request.user, error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_checked(obj, by=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> None:
        """Delete one by one: a bulk delete would bypass the rules."""
        for obj in queryset:
            self.delete_model(request, obj)

    @admin.action(permissions=["delete"], description=gettext_lazy("Delete…"))
    def delete_selected(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> HttpResponse | None:
        """Ask, then delete what can be deleted; the messages name the others and say why they stay."""
        if self.is_confirmed(request):
            self._delete_each(request, list(queryset))
            return None
        chosen = list(queryset.prefetch_related("api_definitions") if self.apis_filter else queryset)
        free, blocked = self._sort(request, chosen)
        context = {
            "title": _("Delete"),
            "deleted_objects": free[:NAMED],
            "more": max(0, len(free) - NAMED),
            "protected": blocked[:SHOWN],
            "more_protected": max(0, len(blocked) - SHOWN),
            "selected": joined(obj.pk for obj in chosen),
            "opts": self.opts,
            "media": self.media,
        }
        words = self._words(self.counted(len(free)), self.last_use(request, [obj.pk for obj in chosen]))
        context = self.admin_site.each_context(request) | words | context
        return TemplateResponse(request, "admin/delete_confirmation.html", context)

    def _words(self, what: str, last_use: SafeString) -> dict[str, Any]:
        words = {"what": what, "delete_says": self.delete_says, "protected_says": self.protected_says}
        return words | {"last_use": last_use}

    def blockers(self, objs: Sequence[Any]) -> Mapping[Any, SafeString]:
        """What uses each object apart from definitions, by its key."""
        return {}

    def _sort(self, request: HttpRequest, objs: Sequence[Any]) -> tuple[list[str], list[SafeString]]:
        """The names of the objects that can be deleted, and lines about the others."""
        free: list[str] = []
        blocked: list[SafeString] = []
        others = self.blockers(objs)
        for obj in objs:
            if users := list(obj.api_definitions.all()) if self.apis_filter else []:
                definitions = name_definitions(request.user, users)
                blocked.append(format_html("<strong>{}</strong>: {}", self.name_of(obj), definitions))
            elif obj.pk in others:
                blocked.append(format_html("<strong>{}</strong>: {}", self.name_of(obj), others[obj.pk]))
            else:
                free.append(self.name_of(obj))
        return free, blocked

    def _delete_each(self, request: HttpRequest, objs: Sequence[Any]) -> None:
        refused = []
        for obj in in_turn(objs):
            try:
                self._delete_logged(request, obj)
            except ValidationError as error:
                refused.append((self.name_of(obj), refusal_text(request.user, error)))
        if done := len(objs) - len(refused):
            self.message_user(request, _("%s deleted.") % self.counted(done), messages.SUCCESS)
        if refused:
            self.name_refused(request, _("%s not deleted.") % self.counted(len(refused)), refused)

    def name_refused(self, request: HttpRequest, text: str, refused: Sequence[tuple[str, SafeString]]) -> None:
        """Say `text`, and the names of the first `refused` objects with their reasons."""
        reasons = format_html_join("", "<br>{}: {}", refused[:SHOWN])
        more = len(refused) - SHOWN
        rest = format_html("<br>{}", _("and %d more") % more) if more > 0 else ""
        self.message_user(request, format_html("{}{}{}", text, reasons, rest), messages.ERROR)

    def _delete_logged(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            # The lock also tells whether another user has deleted it: nothing is deleted, or recorded, twice.
            held = self.model._base_manager.select_for_update().filter(pk=obj.pk).first()
            if held is not None:
                logged: Any = [held]
                self.log_deletions(request, logged)
                self.delete_model(request, held)
