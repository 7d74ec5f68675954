"""Enabling and disabling API definitions and tokens from their lists, one or many."""

from typing import Any, TypeVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console import cells
from console.base import CheckedAdmin
from console.blockers import refusal_text
from definitions.models import ApiDefinition
from objects.changes import save_checked
from tokens.models import ApiToken

Switched = TypeVar("Switched", ApiDefinition, ApiToken)


def switch(model: type[Switched], pk: UUID, *, is_disabled: bool, by: str) -> Switched | None:
    """Enable or disable an object. None where it does not exist or is in that state already.

    Raises:
        ValidationError: a rule refuses it.
    """
    with transaction.atomic():
        found = model._base_manager.select_for_update().filter(pk=pk).first()
        if found is None or found.is_disabled == is_disabled:
            return None
        found.is_disabled = is_disabled
        return save_checked(found, by)


class SwitchPages(CheckedAdmin):
    """Lists whose rows are switched. The rows have `may_switch`."""

    actions = ("enable_selected", "disable_selected", "delete_selected")

    @admin.display(description=gettext_lazy("state"), ordering="is_disabled")
    def state(self, obj: Any) -> SafeString:
        """A switch for users who may change the object."""
        if not obj.may_switch:
            return cells.state(obj.is_disabled)
        return format_html(
            '<button type="submit" class="ud-toggle" role="switch" aria-checked="{}" aria-label="{}" data-switch="{}"'
            ' formaction="{}" formnovalidate name="state" value="{}"><span class="ud-toggle-knob"></span>'
            '<span class="ud-toggle-word">{}</span></button>',
            "false" if obj.is_disabled else "true",
            _("%s is enabled") % self.name_of(obj),
            obj.pk,
            reverse(f"admin:{self.opts.app_label}_switch", args=[obj.pk]),
            "on" if obj.is_disabled else "off",
            _("Disabled") if obj.is_disabled else _("Enabled"),
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list. The menu of its rows offers what the user may do."""
        may = {"may_change": self.has_change_permission(request), "may_delete": self.has_delete_permission(request)}
        return super().changelist_view(request, may | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_view)
        return [
            path("<path:object_id>/switch/", view, name=f"{self.opts.app_label}_switch"),
            *super().get_urls(),
        ]

    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable or disable one object from its row.

        Raises:
            PermissionDenied: the user may not change it, or the request is not a POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        _done, refused = self._switch(request, [self.found(request, object_id)], request.POST.get("state") == "off")
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=409 if refused else 204)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    @admin.action(permissions=["change"], description=gettext_lazy("Enable"))
    def enable_selected(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._switch_selected(request, queryset, _("enabled"), is_disabled=False)

    @admin.action(permissions=["change"], description=gettext_lazy("Disable"))
    def disable_selected(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._switch_selected(request, queryset, _("disabled"), is_disabled=True)

    def _switch(self, request: HttpRequest, chosen: list[Any], is_disabled: bool) -> tuple[int, int]:
        """How many objects were switched, and for how many a rule refused it; the page names these."""
        done, refused = 0, []
        for obj in chosen:
            try:
                changed = switch(self.model, obj.pk, is_disabled=is_disabled, by=request.user.get_username())
            except ValidationError as error:
                refused.append((self.name_of(obj), refusal_text(request.user, error)))
                continue
            if changed:
                done += 1
                self.log_change(request, changed, "Disabled." if is_disabled else "Enabled.")
        if refused:
            self.name_refused(request, _("%s not changed.") % self.counted(len(refused)), refused)
        return done, len(refused)

    def _switch_selected(self, request: HttpRequest, objects: Any, state: str, *, is_disabled: bool) -> None:
        chosen = list(objects)
        done, refused = self._switch(request, chosen, is_disabled)
        text = _("%(counted)s %(state)s.")
        if already := len(chosen) - done - refused:
            text += " " + ngettext("%(already)d was already %(state)s.", "%(already)d were already %(state)s.", already)
        if done or already:
            words = {"counted": self.counted(done), "state": state, "already": already}
            self.message_user(request, text % words, messages.SUCCESS)
