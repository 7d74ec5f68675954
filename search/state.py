"""How the mirror stands, as pages and the management API show it. Elasticsearch itself is not asked: nobody waits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from access.policy import DEFINITION, TOKEN, AnyUser, allows
from search.models import DEFINITIONS, KINDS, TOKENS, Copy, Intent, Mirror, SetAside

SILENCE_SECONDS = 30
MOST_SET_ASIDE = 100
LABELS: Final = {DEFINITIONS: DEFINITION, TOKENS: TOKEN}


@dataclass(frozen=True)
class KindState:
    """One index: what the last check found, and how far it is filled where it is being so."""

    kind: str
    checked_at: datetime | None
    missing: int
    stale: int
    orphaned: int
    fault: str
    repaired_at: datetime | None
    is_filling: bool
    done: int
    total: int


@dataclass(frozen=True)
class State:
    """On or off; whether Elasticsearch answers; what waits, and how long the oldest of it has waited."""

    is_on: bool
    is_reachable: bool
    reached_at: datetime | None
    failure: str
    backlog: int
    backlog_seconds: int
    set_aside: int
    kinds: list[KindState]


def current() -> State:
    """How the mirror stands now."""
    mirror = Mirror.objects.filter(pk=1).first() or Mirror()
    now = timezone.now()
    oldest = Intent.objects.order_by("pk").values_list("noted_at", flat=True).first()
    silence = (now - mirror.reached_at).total_seconds() if mirror.reached_at else SILENCE_SECONDS
    return State(
        is_on=mirror.is_on,
        is_reachable=mirror.is_on and not mirror.failure and silence < SILENCE_SECONDS,
        reached_at=mirror.reached_at,
        failure=mirror.failure,
        backlog=Intent.objects.count(),
        backlog_seconds=round((now - oldest).total_seconds()) if oldest else 0,
        set_aside=SetAside.objects.count(),
        kinds=[_kind(kind) for kind in KINDS] if mirror.is_on else [],
    )


def _kind(name: str) -> KindState:
    copy = Copy.objects.filter(kind=name).first() or Copy(kind=name)
    return KindState(
        kind=name,
        checked_at=copy.checked_at,
        missing=copy.missing,
        stale=copy.stale,
        orphaned=copy.orphaned,
        fault=copy.fault,
        repaired_at=copy.repaired_at,
        is_filling=bool(copy.filling),
        done=copy.done,
        total=copy.total,
    )


def set_aside(user: AnyUser) -> list[SetAside]:
    """The documents that Elasticsearch refuses, the oldest first, of the kinds that `user` may view."""
    return aside_of([kind for kind in KINDS if allows(user, LABELS[kind], "view")])


def aside_of(kinds: Collection[str]) -> list[SetAside]:
    """Those of these kinds."""
    return list(SetAside.objects.filter(kind__in=kinds)[:MOST_SET_ASIDE])
