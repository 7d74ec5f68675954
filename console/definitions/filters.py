"""The filters of the list of definitions."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from access.policy import TOKEN, allows
from automation.source import ON_API_TRIGGER, RUN
from console.lists import AUTHORSHIP_FILTERS, ChoiceFilter, TextFilter
from definitions.models import ActionType, AllowedToken, InputType


class ScriptFilter(TextFilter):
    """The script that answers."""

    title = _("script")
    parameter_name = "script"
    looks_at = ("script__name",)
    id_at = "script"


class TokenFilter(TextFilter):
    """A token that is allowed. Names are for users who may view tokens: others could guess them letter by letter."""

    title = _("token (name or id)")
    parameter_name = "token"
    id_at = "token"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        if allows(request.user, TOKEN, "view"):
            self.looks_at = ("token__name",)
        else:
            self.title = _("token (id)")

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Looked up in the links, so that a definition with many tokens is there once."""
        links = super().queryset(request, AllowedToken.objects.all())
        return queryset.filter(pk__in=links.values("definition")) if (self.value() or "").strip() else queryset


class ActionFilter(ChoiceFilter):
    """What runs, and how it gets the body."""

    title = _("method and input")
    parameter_name = "action"
    _wanted: ClassVar = {
        "raw": Q(action_type=ActionType.AUTOMATION_SCRIPT, input_type=InputType.RAW_BODY),
        "parameters": Q(action_type=ActionType.AUTOMATION_SCRIPT, input_type=InputType.PARAMETERS),
        "run": Q(action_type=ActionType.NO_ENTRY_POINT),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The three ways."""
        return [
            ("raw", f"{ON_API_TRIGGER}, {_('raw body')}"),
            ("parameters", f"{ON_API_TRIGGER}, {_('parameters')}"),
            ("run", RUN),
        ]

    def wanted(self, value: str) -> Q:
        """The chosen way."""
        return self._wanted[value]


class CallableFilter(ChoiceFilter):
    """Whether anybody can call it."""

    title = _("callable")
    parameter_name = "callable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """With a token, or without."""
        return [("yes", _("has a token")), ("no", _("has no token"))]

    def wanted(self, value: str) -> Q:
        """By the number of tokens."""
        return Q(token_count__gt=0) if value == "yes" else Q(token_count=0)


FILTERS = (ScriptFilter, TokenFilter, ActionFilter, CallableFilter, *AUTHORSHIP_FILTERS)
