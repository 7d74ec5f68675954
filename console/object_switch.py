"""Enabling and disabling an object from the head of its pages, with a message that takes it back."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from console.object_head import ObjectAction
from console.switches import SwitchPages, wants_off
from console.undo import with_undo


class SwitchedObject(SwitchPages):
    """Objects with a switch in the menu of their head."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_state"
        page = path("<path:object_id>/state/", self.admin_site.admin_view(self.state_page), name=name)
        return [page, *super().get_urls()]

    def actions_on(self, request: HttpRequest, obj: Any) -> Sequence[ObjectAction]:
        actions = before_destroying(super().actions_on(request, obj), *self.further_actions(request, obj))
        if not self.has_change_permission(request):
            return actions
        title, icon = (_("Enable"), "toggle_off") if obj.is_disabled else (_("Disable"), "block")
        value = "on" if obj.is_disabled else "off"
        switch = ObjectAction(title, self.page_of(obj, "state"), icon, name="state", value=value)
        return before_destroying(actions, switch)

    def further_actions(self, request: HttpRequest, obj: Any) -> Sequence[ObjectAction]:
        """What else is in the menu, above the switch."""
        return ()

    def state_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable or disable the object, and return to its page.

        Raises:
            PermissionDenied: the user may not change it, or the request is not a POST.
            Http404: there is none.
            BadRequest: it asks for no state.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        obj, is_off = self.found(request, object_id), wants_off(request)
        done, refused = self._switch(request, [obj.pk], is_off)
        text = (_("%s is disabled.") if is_off else _("%s is enabled.")) % self.name_of(obj)
        if done:
            undo = with_undo(text, self.page_of(obj, "state"), "state", "on" if is_off else "off")
            self.message_user(request, undo, messages.SUCCESS)
        elif not refused:
            self.message_user(request, text, messages.INFO)
        return HttpResponseRedirect(self.page_of(obj, "view"))


def before_destroying(actions: Sequence[ObjectAction], *further: ObjectAction) -> list[ObjectAction]:
    """The actions, and `further` ones before those that destroy the object."""
    bad = [action for action in actions if action.tone == "bad"]
    return [*(action for action in actions if action.tone != "bad"), *further, *bad]
