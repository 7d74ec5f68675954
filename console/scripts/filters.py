"""The filters of the list of scripts."""

from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from automation.source import ON_API_TRIGGER, RUN
from console.lists import AUTHORSHIP_FILTERS, ChoiceFilter


class EntryPointFilter(ChoiceFilter):
    """The function that it has."""

    title = _("entry point")
    parameter_name = "entry"
    _wanted: ClassVar = {ON_API_TRIGGER: Q(has_api_trigger=True), RUN: Q(has_run=True)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two functions."""
        return [(name, name) for name in self._wanted]

    def wanted(self, value: str) -> Q:
        """By what was found in the source."""
        return self._wanted[value]


class ScriptUseFilter(ChoiceFilter):
    """Whether an API runs it."""

    title = _("use")
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Used, or not."""
        return [("used", _("run by an API")), ("unused", _("run by no API"))]

    def wanted(self, value: str) -> Q:
        """By the number of APIs."""
        return Q(api_count__gt=0) if value == "used" else Q(api_count=0)


FILTERS = (EntryPointFilter, ScriptUseFilter, *AUTHORSHIP_FILTERS)
