"""The filters of the list of tokens."""

from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from console.lists import AUTHORSHIP_FILTERS, ChoiceFilter


class StateFilter(ChoiceFilter):
    """Whether it opens anything."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two states."""
        return [("enabled", _("enabled")), ("disabled", _("disabled"))]

    def wanted(self, value: str) -> Q:
        """By its state."""
        return Q(is_disabled=value == "disabled")


class TokenUseFilter(ChoiceFilter):
    """Whether it is of any use."""

    title = _("use")
    parameter_name = "use"
    _wanted: ClassVar = {
        "never": Q(last_used__isnull=True),
        "used": Q(last_used__isnull=False),
        "unassigned": Q(api_count=0),
        "assigned": Q(api_count__gt=0),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """By calls, and by APIs."""
        return [
            ("never", _("never used")),
            ("used", _("used")),
            ("unassigned", _("allowed by no API")),
            ("assigned", _("allowed by an API")),
        ]

    def wanted(self, value: str) -> Q:
        """By its use."""
        return self._wanted[value]


class LimitFilter(ChoiceFilter):
    """Whether it has a rate limit."""

    title = _("rate limit")
    parameter_name = "limit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """With one, or without."""
        return [("yes", _("limited")), ("no", _("not limited"))]

    def wanted(self, value: str) -> Q:
        """By its limit."""
        return Q(rate_limit__isnull=value == "no")


FILTERS = (StateFilter, TokenUseFilter, LimitFilter, *AUTHORSHIP_FILTERS)
