"""The API definitions that use an object: by route for users who may view definitions, by id for others."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from access.policy import AnyUser, allows
from automation.models import AutomationScript
from console import cells
from definitions.models import ApiDefinition

SHOWN = 10
LISTED = 50


def used_by(user: AnyUser, obj: Any) -> dict[str, Any]:
    """What a page shows of the definitions that use a token or a script: the first ones, and how many there are."""
    by_route = allows(user, ApiDefinition._meta.label_lower, "view")
    # With the script, which Django compares with the one that is asked: deferred, it costs a query for each API.
    shown = obj.api_definitions.only("id", "route", "name", "is_disabled", "script_version", "script")
    users = shown.order_by("route" if by_route else "id")
    count = users.count()
    return {"definitions": users[:LISTED], "count": count, "more": max(0, count - LISTED), "by_route": by_route}


def count_rows(rows: "QuerySet[Any]", field: str) -> Coalesce:
    """How many of `rows` point to an object by `field`, for `annotate`; cheaper than a join over a whole list."""
    own = rows.filter(**{field: OuterRef("pk")}).order_by().values(field)
    return Coalesce(Subquery(own.annotate(count=Count("pk")).values("count")), 0)


def name_definitions(user: AnyUser, definitions: Collection[ApiDefinition]) -> SafeString:
    """The first `SHOWN` definitions, with links where the user may view them."""
    by_route = allows(user, ApiDefinition._meta.label_lower, "view")
    # Sorted by id for a user who may not view routes: the order must not reveal them.
    shown = sorted(definitions, key=lambda definition: definition.route if by_route else str(definition.pk))[:SHOWN]
    links = ([cells.link(cells.page_of(one), one.route) if by_route else one.pk] for one in shown)
    names = format_html_join(", ", "{}", links)
    more = len(definitions) - len(shown)
    return format_html("{} {}", names, _("and %d more") % more) if more else names


def refusal_text(user: AnyUser, error: ValidationError) -> SafeString:
    """The messages of a refused change, with what it is about: definitions, or scripts."""
    said = format_html_join(" ", "{}", ([next(iter(with_links(each)))] for each in _each(error)))
    ids = (getattr(error, "params", None) or {}).get("apiDefinitionIdLinks")
    if not ids:
        return said
    return format_html("{} ({})", said, name_definitions(user, ApiDefinition.objects.filter(pk__in=ids)))


def with_links(error: ValidationError) -> ValidationError:
    """The error with links to the scripts that it names, for users who may view scripts."""
    params = getattr(error, "params", None) or {}
    if "scriptLinks" not in params or "%(scripts)s" not in error.message:
        return error
    before, after = error.message.split("%(scripts)s", 1)
    return ValidationError(format_html("{}{}{}", before, name_scripts(params["scriptLinks"]), after), error.code)


def name_scripts(names: Collection[str]) -> SafeString:
    """The first `SHOWN` scripts with links."""
    shown = AutomationScript.objects.filter(name__in=names).only("id", "name").order_by("name")[:SHOWN]
    links = format_html_join(", ", "{}", ([cells.link(cells.page_of(one), one.name)] for one in shown))
    more = len(names) - SHOWN
    return format_html("{} {}", links, _("and %d more") % more) if more > 0 else links


def _each(error: ValidationError) -> list[ValidationError]:
    """The single errors of an error, whatever fields they belong to."""
    if hasattr(error, "error_dict"):
        return [each for errors in error.error_dict.values() for each in errors]
    return list(error.error_list)
