"""APIs, scripts, tokens and credentials in the search of everything."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Case, IntegerField, Model, Q, QuerySet, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.policy import CREDENTIAL, DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript, Credential
from console import cells
from console.palette.entries import LIMIT, PaletteEntry, PaletteGroup, Words
from definitions.models import ApiDefinition
from foundation.ids import parse_uuid
from tokens.models import ApiToken


@dataclass(frozen=True)
class Findable:
    """A kind of objects: the columns that are searched, the first of them names the object."""

    model: type[Model]
    label: str
    title: Words
    icon: str
    columns: Sequence[str]
    note_of: Callable[[Any], str]


_KINDS: Final[Sequence[Findable]] = (
    Findable(ApiDefinition, DEFINITION, _("APIs"), "api", ("route", "name"), lambda api: str(api.name)),
    Findable(AutomationScript, SCRIPT, _("Scripts"), "code", ("name",), lambda script: ""),
    Findable(ApiToken, TOKEN, _("Tokens"), "key", ("name",), lambda token: ""),
    Findable(Credential, CREDENTIAL, _("Credentials"), "lock", ("name",), lambda credential: ""),
)


def object_groups(user: AnyUser, wanted: str) -> Iterator[PaletteGroup]:
    """The objects that `user` may view and whose name or id matches, by kind: one query for each, of bounded size."""
    for kind in _KINDS:
        if allows(user, kind.label, "view"):
            found = list(_matching(kind, wanted)[: LIMIT + 1])
            entries = [_entry(kind, obj) for obj in found[:LIMIT]]
            if entries:
                yield PaletteGroup(kind.title, entries, _list_page(kind, wanted) if len(found) > LIMIT else "")


def _matching(kind: Findable, wanted: str) -> "QuerySet[Any]":
    """The matches, the best first. Only what is shown is read: sources and values may be long."""
    ranks: list[When] = []
    conditions = Q()
    for column in kind.columns:
        conditions |= Q(**{f"{column}__icontains": wanted})
    for lookup in ("iexact", "istartswith"):
        # A route that begins with the text goes before a name that does.
        ranks += [When(**{f"{column}__{lookup}": wanted}, then=len(ranks) + n) for n, column in enumerate(kind.columns)]
    if wanted_id := parse_uuid(wanted):
        conditions |= Q(pk=wanted_id)
        ranks.insert(0, When(pk=wanted_id, then=0))
    rank = Case(*ranks, default=len(ranks), output_field=IntegerField())
    rows = kind.model._default_manager.filter(conditions).only("pk", *kind.columns)
    ranked: QuerySet[Any] = rows.annotate(rank=rank).order_by("rank", kind.columns[0], "pk")
    return ranked


def _entry(kind: Findable, obj: Any) -> PaletteEntry:
    title, note = str(getattr(obj, kind.columns[0])), kind.note_of(obj)
    return PaletteEntry(title, kind.icon, cells.page_of(obj), note if note != title else "")


def _list_page(kind: Findable, wanted: str) -> str:
    address = reverse(f"admin:{kind.label.replace('.', '_')}_changelist")
    return f"{address}?{urlencode({'q': wanted})}"
