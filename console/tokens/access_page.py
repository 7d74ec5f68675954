"""Which APIs a token opens, and which it has called: APIs are added and removed here."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from access.policy import DEFINITION, RUN, allows
from console.blockers import refusal_text
from console.definitions.access_page import NAMED, ids_sent, may_change_grants
from console.definitions.grants import change_grants
from console.undo import with_undo
from console.usage.grants import grant_table
from console.usage.pages import UsagePages
from definitions.models import ApiDefinition
from foundation.ids import parse_uuid
from tokens.models import ApiToken

_TOLD: Final = ("id", "route", "name", "is_disabled")


class TokenAccessPage(UsagePages):
    """The first page of a token, the tab Access."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/apis/", view(self.change_apis), name="tokens_apitoken_apis"),
            *super().get_urls(),
        ]

    def readable_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The APIs with what the token called."""
        token, user = self._viewed(request, object_id), request.user
        may_change = may_change_grants(user)
        measured = self.measured(request, token) if allows(user, RUN, "view") else None
        granted = {definition.pk: definition for definition in token.api_definitions.only(*_TOLD)}
        table = grant_table("definition", granted, measured, user)
        asked = granted.get(parse_uuid(request.GET.get("remove", "")) or UUID(int=0)) if may_change else None
        context = {
            "title": _("Access"),
            "chosen": measured and measured.chosen,
            "table": table,
            "api_count": len(granted),
            "may_change": may_change,
            "sees_definitions": allows(user, DEFINITION, "view"),
            "asked": asked,
            "picker": {"name": "allow", "attrs": {"id": "allow-apis"}},
            "asked_share": table.share_of(asked),
        }
        return self._answer(request, token, "console/tokens/access.html", context)

    def change_apis(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Allow the token for further APIs, or remove it from some.

        Raises:
            PermissionDenied: the user may not change who calls APIs, or the request is not a POST.
            Http404: there is no such token.
        """
        token = self._viewed(request, object_id)
        if request.method != "POST" or not may_change_grants(request.user):
            raise PermissionDenied
        for name, opposite, text in (
            ("allow", "remove", _("%(token)s may call %(apis)s now.")),
            ("remove", "allow", _("%(token)s may no longer call %(apis)s.")),
        ):
            changed = self._change_each(request, token, ids_sent(request, name), name)
            if changed:
                told = text % {"token": token.name, "apis": _routes(changed)}
                value = ",".join(str(definition.pk) for definition in changed)
                undo = with_undo(told, self.page_of(token, "apis"), opposite, value)
                self.message_user(request, undo, messages.SUCCESS)
        return HttpResponseRedirect(self.page_of(token, "view"))

    def _change_each(
        self, request: HttpRequest, token: ApiToken, definition_ids: Collection[UUID], name: str
    ) -> list[ApiDefinition]:
        """The APIs that were changed, each in a transaction of its own; a refusal is told."""
        changed, by, key = [], request.user.get_username(), [token.pk]
        for definition_id in definition_ids:
            try:
                allow, remove = (key, []) if name == "allow" else ([], key)
                change = change_grants(definition_id, by, allow=allow, remove=remove)
            except ValidationError as error:
                self.message_user(request, refusal_text(request.user, error), messages.ERROR)
                continue
            if change and change.has_changed:
                self.log_change(request, change.definition, "Changed Allowed tokens.")
                changed.append(change.definition)
        return changed


def _routes(definitions: Sequence[ApiDefinition]) -> str:
    routes = [definition.route for definition in definitions]
    return ", ".join(routes) if len(routes) <= NAMED else _("%d APIs") % len(routes)
