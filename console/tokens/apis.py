"""The APIs that a new token is allowed for, chosen in its form."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from access.policy import DEFINITION, TOKEN, AnyUser, allows
from console.lists import search
from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition
from foundation.ids import parse_uuid
from tokens.models import ApiToken

OFFERED = 50


def may_choose(user: AnyUser) -> bool:
    """Whether `user` may allow a token for APIs."""
    return allows(user, DEFINITION, "view") and allows(user, DEFINITION, "change")


class ChosenApis(forms.SelectMultiple):
    """The chosen APIs; the browser asks for the list to choose from."""

    template_name = "console/tokens/api_picker.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        # Objects, ids, or any text that a browser has sent.
        ids = [parse_uuid(str(getattr(each, "pk", each))) for each in value or ()]
        chosen = _apis().filter(pk__in=[each for each in ids if each])
        return super().get_context(name, [], attrs) | {"chosen": chosen}

    def optgroups(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []


def allow_for(token: ApiToken, apis: Iterable[ApiDefinition], by: str) -> None:
    """Allow `token` for each of `apis`; the caller's transaction holds their rows.

    Raises:
        ValidationError: a rule refuses the change of one of them.
    """
    chosen = [api.pk for api in apis]
    # In the order of their ids, as everybody who locks several.
    held = list(ApiDefinition.objects.select_for_update().filter(pk__in=chosen).order_by("pk"))
    # Their scripts, too: one by one, each save would lock them in the order of the APIs.
    ApiDefinition.hold_for(held)
    for definition in held:
        present = AllowedToken._base_manager.filter(definition=definition).values_list("token_id", flat=True)
        save_definition(definition, by, allowed_tokens={*present, token.pk})


def pick_apis(request: HttpRequest) -> HttpResponse:
    """The APIs that match the typed text, by route.

    Raises:
        PermissionDenied: the user may not view tokens, or not change APIs.
    """
    if not (allows(request.user, TOKEN, "view") and may_choose(request.user)):
        raise PermissionDenied
    found = search(_apis(), request.GET.get("q"), ("route", "name"), id_at="pk")
    context = {"apis": found[:OFFERED], "more": found.count() - OFFERED}
    return TemplateResponse(request, "console/tokens/api_options.html", context)


def _apis() -> "QuerySet[ApiDefinition]":
    return ApiDefinition.objects.only("id", "route", "name", "is_disabled").order_by("route")
