"""The names of those who call and of what is called: as far as a user may see them, also after they were deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import Model, OuterRef, Subquery
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from access.policy import DEFINITION, TOKEN, AnyUser, allows
from definitions.models import ApiDefinition
from runs.models import Run, Series
from tokens.models import ApiToken

Sharer = Literal["definition", "token"]


@dataclass(frozen=True)
class _SharerKind:
    label: str
    model: type[Model]
    name: str
    name_in_run: str
    page: str
    tab: str
    """The tab of an object that shows its calls."""
    deleted: Promise


_KINDS: Final[Mapping[Sharer, _SharerKind]] = {
    "definition": _SharerKind(
        DEFINITION, ApiDefinition, "route", "route", "definitions_apidefinition", "view", gettext_lazy("Deleted API")
    ),
    "token": _SharerKind(
        TOKEN, ApiToken, "name", "token_name", "tokens_apitoken", "view", gettext_lazy("Deleted token")
    ),
}


@dataclass(frozen=True)
class KnownObject:
    """What an object is called; `page` is its own, and `deleted` says in words that it is gone."""

    name: str
    page: str = ""
    deleted: Promise | str = ""


def names_of(dimension: Sharer, ids: Collection[UUID], user: AnyUser) -> Mapping[UUID, KnownObject]:
    """By id, in a number of queries that does not grow with them. Users who may not view such objects see ids."""
    kind = _KINDS[dimension]
    if not ids or not allows(user, kind.label, "view"):
        return {key: KnownObject(str(key)) for key in ids}
    rows: Any = kind.model._base_manager.filter(pk__in=ids).values_list("pk", kind.name)
    known = dict(rows)
    gone = _last_names(dimension, [key for key in ids if key not in known])
    return {
        key: KnownObject(known[key], reverse(f"admin:{kind.page}_{kind.tab}", args=[key]))
        if key in known
        else KnownObject(gone.get(key) or str(key), deleted=kind.deleted)
        for key in ids
    }


def _last_names(dimension: Sharer, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What deleted objects were called in the last run of each that is still there."""
    if not ids:
        return {}
    column = f"{dimension}_id"
    last = Run.objects.filter(**{column: OuterRef(column)}).order_by("-id").values(_KINDS[dimension].name_in_run)[:1]
    rows = Series.objects.filter(**{f"{column}__in": ids}).annotate(last=Subquery(last))
    return {key: name or "" for key, name in rows.values_list(column, "last").distinct()}
