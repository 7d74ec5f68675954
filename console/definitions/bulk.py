"""What is done to many APIs at once: allowing and removing tokens, and exporting."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.policy import SCRIPT, TOKEN, allows
from console.blockers import refusal_text
from console.bulk import Question, in_turn
from console.definitions.grants import change_grants
from console.definitions.pickers import OFFERED
from console.deletion import CheckedDeletion
from definitions.models import AllowedToken, ApiDefinition
from foundation.ids import parse_uuid
from tokens.models import ApiToken

ALLOW: Final = "allow_token_selected"
REMOVE: Final = "remove_token_selected"
MOST_REMOVABLE: Final = 500


class BulkDefinitions(CheckedDeletion):
    """Actions on the selected rows of the list of APIs."""

    def has_tokens_permission(self, request: HttpRequest) -> bool:
        """Whether the user may change which tokens APIs allow."""
        return self.has_change_permission(request) and allows(request.user, TOKEN, "view")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether the user may view all that the file names."""
        return self.has_view_permission(request) and all(allows(request.user, each, "view") for each in (TOKEN, SCRIPT))

    @admin.action(permissions=["tokens"], description=gettext_lazy("Allow token…"))
    def allow_token_selected(self, request: HttpRequest, queryset: "QuerySet[ApiDefinition]") -> HttpResponse | None:
        """Ask for tokens, then allow them."""
        says = _("Callers with these tokens can call them at once.")
        title, button = _("Allow tokens for %s?"), _("Allow for %s")
        return self._change_tokens(request, queryset, ALLOW, title, button, says)

    @admin.action(permissions=["tokens"], description=gettext_lazy("Remove token…"))
    def remove_token_selected(self, request: HttpRequest, queryset: "QuerySet[ApiDefinition]") -> HttpResponse | None:
        """Ask for tokens, then remove them."""
        says = _("Callers with these tokens are refused at once.")
        title, button = _("Remove tokens from %s?"), _("Remove from %s")
        return self._change_tokens(request, queryset, REMOVE, title, button, says)

    @admin.action(permissions=["export"], description=gettext_lazy("Export…"))
    def export_selected(self, request: HttpRequest, queryset: "QuerySet[ApiDefinition]") -> HttpResponse:
        """Ask, then send the user to what writes the file."""
        count = self.counted(queryset.count())
        says = _("The file has the APIs with their scripts and tokens, as import_apis reads them. It has no secrets.")
        question = Question(
            "export_selected", _("Export %s?") % count, _("Export %s") % count, says, target=reverse("export_selected")
        )
        return self.ask(request, queryset, question)

    def _change_tokens(
        self, request: HttpRequest, chosen: "QuerySet[Any]", action: str, title: str, button: str, says: str
    ) -> HttpResponse | None:
        tokens, error = _known_tokens(request.POST.getlist("tokens")), ""
        if self.is_confirmed(request):
            if tokens:
                self._change_each(request, chosen, tokens, are_allowed=action == ALLOW)
                return None
            error = _("Choose a token.")
        count = self.counted(chosen.count())
        tone = "bad" if action == REMOVE else ""
        question = Question(action, title % count, button % count, says, tone, fields="console/bulk/tokens.html")
        more = reverse("admin:definitions_pick_tokens") if action == ALLOW else ""
        return self.ask(request, chosen, question, error=error, tokens=_offered(chosen, action), more_tokens=more)

    def _change_each(
        self, request: HttpRequest, chosen: "QuerySet[Any]", tokens: frozenset[UUID], *, are_allowed: bool
    ) -> None:
        by, done, refused = request.user.get_username(), 0, []
        keys = list(chosen.values_list("pk", flat=True))
        for key in in_turn(keys):
            try:
                allow, remove = (tokens, ()) if are_allowed else ((), tokens)
                change = change_grants(key, by, allow=allow, remove=remove)
            except ValidationError as error:
                refused.append((self._name_of_key(key), refusal_text(request.user, error)))
                continue
            if change and change.has_changed:
                done += 1
                self.log_change(request, change.definition, "Changed the allowed tokens.")
        self.message_user(request, _result(self, done, len(keys) - done - len(refused)), messages.SUCCESS)
        if refused:
            self.name_refused(request, _("%s not changed.") % self.counted(len(refused)), refused)

    def _name_of_key(self, key: UUID) -> str:
        found = ApiDefinition.objects.filter(pk=key).first()
        return self.name_of(found) if found else str(key)


def _result(pages: BulkDefinitions, done: int, same: int) -> str:
    said = _("%s changed.") % pages.counted(done)
    if not same:
        return said
    return f"{said} " + ngettext("%d stayed as it was.", "%d stayed as they were.", same) % same


def _known_tokens(sent: Iterable[str]) -> frozenset[UUID]:
    wanted = [key for key in map(parse_uuid, sent) if key]
    return frozenset(ApiToken.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def _offered(chosen: "QuerySet[Any]", action: str) -> "Iterable[ApiToken]":
    """The first tokens, of which the browser finds more; or those that can be removed."""
    tokens = ApiToken.objects.order_by("name", "id")
    if action == ALLOW:
        return tokens[:OFFERED]
    allowed = AllowedToken.objects.filter(definition__in=chosen.order_by().values("pk"))
    return tokens.filter(pk__in=allowed.values("token"))[:MOST_REMOVABLE]
