"""Who may call an API and who does: tokens are allowed and removed here."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from access.policy import DEFINITION, RUN, TOKEN, AnyUser, allows
from console.blockers import refusal_text
from console.definitions.grants import change_grants
from console.undo import with_undo
from console.usage.grants import grant_table
from console.usage.pages import UsagePages
from definitions.models import ApiDefinition
from foundation.ids import parse_uuid
from tokens.models import ApiToken

MOST_AT_ONCE: Final = 200
NAMED: Final = 3


def may_change_grants(user: AnyUser) -> bool:
    """Whether the user may allow and remove tokens: they must see both what calls and what is called."""
    return allows(user, TOKEN, "view") and allows(user, DEFINITION, "view") and allows(user, DEFINITION, "change")


def ids_sent(request: HttpRequest, *names: str) -> list[UUID]:
    """The ids in fields of a form, each of which may have several, separated by commas."""
    texts = [text for name in names for value in request.POST.getlist(name) for text in value.split(",")]
    return [found for text in texts[:MOST_AT_ONCE] if (found := parse_uuid(text.strip()))]


class AccessPage(UsagePages):
    """The tab Access."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_access"
        return [
            path("<path:object_id>/access/", self.admin_site.admin_view(self.access_page), name=name),
            *super().get_urls(),
        ]

    def access_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The table of tokens; a POST allows or removes some.

        Raises:
            PermissionDenied: the user may not view the API or, for a POST, not change who may call it.
            Http404: there is no such API.
        """
        definition = self._viewed(request, object_id)
        if request.method == "POST":
            return self._change_access(request, definition)
        user = request.user
        sees_runs, may_change = allows(user, RUN, "view"), may_change_grants(user)
        measured = self.measured(request, definition) if sees_runs else None
        granted = {token.pk: token for token in definition.allowed_tokens.defer("secret_digest")}
        table, asked = grant_table("token", granted, measured, user), _asked(request, granted) if may_change else None
        context = {
            "title": _("Access"),
            "chosen": measured and measured.chosen,
            "table": table,
            "token_count": len(granted),
            "may_change": may_change,
            "sees_tokens": allows(user, TOKEN, "view"),
            "may_add_tokens": may_change and allows(user, TOKEN, "add"),
            "asked": asked,
            "asked_share": table.share_of(asked),
            "picker": {"name": "allow"},
        }
        return self._answer(request, definition, "console/definitions/access.html", context)

    def _change_access(self, request: HttpRequest, definition: ApiDefinition) -> HttpResponse:
        if not may_change_grants(request.user):
            raise PermissionDenied
        address = self.page_of(definition, "access")
        by, allow, remove = request.user.get_username(), ids_sent(request, "allow"), ids_sent(request, "remove")
        try:
            change = change_grants(definition.pk, by, allow=allow, remove=remove)
        except ValidationError as error:
            self.message_user(request, refusal_text(request.user, error), messages.ERROR)
            return HttpResponseRedirect(address)
        if change is None:
            raise Http404
        if change.allowed:
            self._tell(request, change.definition, _allowed_text(change.allowed), "remove", change.allowed)
        if change.removed:
            self._tell(request, change.definition, _removed_text(change.removed), "allow", change.removed)
        return HttpResponseRedirect(address)

    def _tell(
        self, request: HttpRequest, definition: ApiDefinition, text: str, undo: str, token_ids: Collection[UUID]
    ) -> None:
        self.log_change(request, definition, "Changed Allowed tokens.")
        value = ",".join(map(str, token_ids))
        message = with_undo(text, self.page_of(definition, "access"), undo, value)
        self.message_user(request, message, messages.SUCCESS)


def _asked(request: HttpRequest, granted: dict[UUID, Any]) -> ApiToken | None:
    """The token whose removal the address asks about."""
    key = parse_uuid(request.GET.get("remove", ""))
    return granted.get(key) if key else None


def _allowed_text(token_ids: Collection[UUID]) -> str:
    return _("%s may call the API now.") % _names(token_ids)


def _removed_text(token_ids: Collection[UUID]) -> str:
    return _("%s may no longer call the API.") % _names(token_ids)


def _names(token_ids: Collection[UUID]) -> str:
    names = list(ApiToken.objects.filter(pk__in=token_ids).order_by("name").values_list("name", flat=True))
    return ", ".join(names) if len(names) <= NAMED else _("%d tokens") % len(names)
