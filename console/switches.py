"""Enabling and disabling API definitions and tokens from their lists, one or many."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
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
from console.bulk import Question, in_turn, undo_button
from console.list_pages import RowItem
from definitions.models import ApiDefinition
from objects.changes import save_checked
from tokens.models import ApiToken

ENABLE: Final = "enable_selected"
DISABLE: Final = "disable_selected"

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


def wants_off(request: HttpRequest) -> bool:
    """Whether a form asks to disable something, or to enable it.

    Raises:
        BadRequest: it asks for neither.
    """
    if (state := request.POST.get("state")) not in ("on", "off"):
        raise BadRequest
    return state == "off"


class SwitchPages(CheckedAdmin):
    """Lists whose rows are switched. The rows have `may_switch`."""

    actions: Sequence[str] = (ENABLE, DISABLE, "delete_selected")
    disable_says: ClassVar[Any]
    enable_says: ClassVar[Any]
    """What it means for others."""

    @admin.display(description=gettext_lazy("enabled"), ordering="is_disabled")
    def state(self, obj: Any) -> SafeString:
        """A switch for users who may change the object."""
        if not obj.may_switch:
            return cells.state(obj.is_disabled)
        return format_html(
            '<button type="submit" class="ud-toggle" role="switch" aria-checked="{}" aria-label="{}" data-switch="{}"'
            ' data-name="{}"'
            ' formaction="{}" formnovalidate name="state" value="{}"><span class="ud-toggle-knob"></span>'
            '<span class="ud-toggle-word">{}</span></button>',
            "false" if obj.is_disabled else "true",
            _("%s is enabled") % self.name_of(obj),
            obj.pk,
            self.name_of(obj),
            reverse(f"admin:{self.opts.app_label}_switch", args=[obj.pk]),
            "on" if obj.is_disabled else "off",
            _("Disabled") if obj.is_disabled else _("Enabled"),
        )

    def row_data(self, obj: Any) -> dict[str, str]:
        return super().row_data(obj) | {"state": "off" if obj.is_disabled else "on"}

    def further_items(self, request: HttpRequest) -> Sequence[RowItem]:
        switch = [RowItem(_("Disable"), switches=True)] if self.has_change_permission(request) else []
        return [*super().further_items(request), *switch]

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
            BadRequest: it asks for no state.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        obj, is_disabled = self.found(request, object_id), wants_off(request)
        done, refused = self._switch(request, [obj.pk], is_disabled)
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=409 if refused else 204)
        if done:
            said = _("%s disabled.") if is_disabled else _("%s enabled.")
            self._offer_undo(request, said % self.name_of(obj), done, is_disabled=is_disabled)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    @admin.action(permissions=["change"], description=gettext_lazy("Enable…"))
    def enable_selected(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse | None:
        return self._ask_or_switch(request, queryset, is_disabled=False)

    @admin.action(permissions=["change"], description=gettext_lazy("Disable…"))
    def disable_selected(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse | None:
        return self._ask_or_switch(request, queryset, is_disabled=True)

    def _ask_or_switch(
        self, request: HttpRequest, chosen: "QuerySet[Any]", *, is_disabled: bool
    ) -> HttpResponse | None:
        if self.is_confirmed(request):
            self._switch_selected(request, list(chosen.values_list("pk", flat=True)), is_disabled=is_disabled)
            return None
        counted = self.counted(chosen.count())
        if is_disabled:
            title, button = _("Disable %s?") % counted, _("Disable %s") % counted
            return self.ask(request, chosen, Question(DISABLE, title, button, self.disable_says, "bad"))
        title, button = _("Enable %s?") % counted, _("Enable %s") % counted
        return self.ask(request, chosen, Question(ENABLE, title, button, self.enable_says))

    def _switch(self, request: HttpRequest, keys: Sequence[UUID], is_disabled: bool) -> tuple[list[UUID], int]:
        """Which objects were switched, and for how many a rule refused it; the page names these."""
        done: list[UUID] = []
        refused = []
        for key in in_turn(keys):
            try:
                with transaction.atomic():
                    changed = switch(self.model, key, is_disabled=is_disabled, by=request.user.get_username())
                    if changed:
                        self.log_change(request, changed, "Disabled." if is_disabled else "Enabled.")
            except ValidationError as error:
                refused.append((self._name_of_key(key), refusal_text(request.user, error)))
                continue
            if changed:
                done.append(key)
        if refused:
            self.name_refused(request, _("%s not changed.") % self.counted(len(refused)), refused)
        return done, len(refused)

    def _name_of_key(self, key: UUID) -> str:
        found = self.model._base_manager.filter(pk=key).first()
        return self.name_of(found) if found else str(key)

    def _switch_selected(self, request: HttpRequest, keys: Sequence[UUID], *, is_disabled: bool) -> None:
        state = _("disabled") if is_disabled else _("enabled")
        done, refused = self._switch(request, keys, is_disabled)
        text = _("%(counted)s %(state)s.")
        if already := len(keys) - len(done) - refused:
            text += " " + ngettext("%(already)d was already %(state)s.", "%(already)d were already %(state)s.", already)
        if done or already:
            words = {"counted": self.counted(len(done)), "state": state, "already": already}
            self._offer_undo(request, text % words, done, is_disabled=is_disabled)

    def _offer_undo(self, request: HttpRequest, text: str, done: Sequence[UUID], *, is_disabled: bool) -> None:
        """Say what was done, with a button that takes it back."""
        undo = undo_button(ENABLE if is_disabled else DISABLE, done) if done else ""
        self.message_user(request, format_html("{} {}", text, undo), messages.SUCCESS)
