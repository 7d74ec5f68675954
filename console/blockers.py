"""Naming the API definitions that stand in the way of a change, to who may know their routes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from access.policy import AnyUser, allows
from definitions.models import ApiDefinition

SHOWN = 10
LISTED = 50


@dataclass(frozen=True)
class Use:
    """The API definitions that use an object: the first of them by route, and how many there are."""

    definitions: Sequence[ApiDefinition]
    count: int
    by_route: bool
    """Whether the user may know more of them than their ids."""

    @property
    def more(self) -> int:
        """How many are not among the first."""
        return self.count - len(self.definitions)


def used_by(user: AnyUser, obj: Any) -> Use | None:
    """What uses a token or a script; None for a new one."""
    if obj is None:
        return None
    by_route = allows(user, ApiDefinition._meta.label_lower, "view")
    users = obj.api_definitions.only("id", "route", "name").order_by("route" if by_route else "id")
    return Use(list(users[:LISTED]), users.count(), by_route)


def count_rows(rows: "QuerySet[Any]", field: str) -> Coalesce:
    """How many of `rows` point to an object with `field`, for `annotate`; cheaper than a join over all of a list."""
    own = rows.filter(**{field: OuterRef("pk")}).order_by().values(field)
    return Coalesce(Subquery(own.annotate(count=Count("pk")).values("count")), 0)


def name_definitions(user: AnyUser, definitions: Collection[ApiDefinition]) -> SafeString:
    """The first definitions by route with a link; by id alone for a user who may not view definitions."""
    by_route = allows(user, ApiDefinition._meta.label_lower, "view")
    # Routes that the user may not know must not show in an order.
    shown = sorted(definitions, key=lambda definition: definition.route if by_route else str(definition.pk))[:SHOWN]
    names = format_html_join(", ", "{}", ([_link(one) if by_route else str(one.pk)] for one in shown))
    more = len(definitions) - len(shown)
    return format_html("{} {}", names, _("and %d more") % more) if more else names


def refusal_text(user: AnyUser, error: ValidationError) -> SafeString:
    """What a refused change says, with the definitions that it is about."""
    said = " ".join(error.messages)
    ids = (getattr(error, "params", None) or {}).get("apiDefinitionIdLinks")
    if not ids:
        return format_html("{}", said)
    return format_html("{} ({})", said, name_definitions(user, ApiDefinition.objects.filter(pk__in=ids)))


def _link(definition: ApiDefinition) -> SafeString:
    page = reverse("admin:definitions_apidefinition_change", args=[definition.pk])
    return format_html('<a href="{}" class="font-semibold underline">{}</a>', page, definition.route)
