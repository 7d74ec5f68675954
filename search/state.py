"""Whether the mirror is on, and how it stands. Only the database is asked, so no page waits for Elasticsearch."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from access.policy import DEFINITION, TOKEN, AnyUser, allows
from search.models import DEFINITIONS, KINDS, TOKENS, Copy, Intent, Mirror, SetAside

OFF_SECONDS = 1.0
"""How long "the mirror is off" is cached."""
SETTLE_SECONDS = 2.0
"""How long `turn_on` waits: by then every cache has expired, and the changes made with it are committed."""
SILENCE_SECONDS = 30
MOST_SET_ASIDE = 100
LABELS: Final = {DEFINITIONS: DEFINITION, TOKENS: TOKEN}


class MirrorSwitch:
    """Whether changes must leave intents."""

    def __init__(self) -> None:
        self._off_until = 0.0

    def is_on(self) -> bool:
        """Whether this process is configured with Elasticsearch, or another process of the fleet is."""
        if settings.ELASTICSEARCH_URL:
            return True
        # Taken before the query: `turn_on` waits longer than what is cached from here on.
        now = time.monotonic()
        if now < self._off_until:
            return False
        is_on = Mirror.objects.filter(is_on=True).exists()
        self._off_until = 0.0 if is_on else now + OFF_SECONDS
        return is_on

    def turn_on(self) -> None:
        """Have every process leave intents. A check, due at once, finds what changed while the mirror was off."""
        if Mirror.get().is_on:
            return
        Copy.objects.update(checked_at=None)
        Mirror.change(is_on=True)
        self.forget()
        time.sleep(SETTLE_SECONDS)

    def turn_off(self) -> None:
        """Leave no more intents, and drop those that wait."""
        Mirror.change(is_on=False)
        Intent.objects.all().delete()
        SetAside.objects.all().delete()

    def forget(self) -> None:
        """Ask the database next time."""
        self._off_until = 0.0


switch = MirrorSwitch()
"""The switch as this process sees it."""


@dataclass(frozen=True)
class MirrorState:
    """The mirror as a whole; `backlog` counts the intents, `backlog_seconds` is the age of the oldest."""

    is_on: bool
    is_reachable: bool
    reached_at: datetime | None
    failure: str
    backlog: int
    backlog_seconds: int
    set_aside: int
    kinds: list[Copy]


def current() -> MirrorState:
    mirror = Mirror.objects.filter(pk=1).first() or Mirror()
    copies = Copy.objects.in_bulk(field_name="kind") if mirror.is_on else {}
    now = timezone.now()
    oldest = Intent.objects.order_by("pk").values_list("noted_at", flat=True).first()
    silence = (now - mirror.reached_at).total_seconds() if mirror.reached_at else SILENCE_SECONDS
    return MirrorState(
        is_on=mirror.is_on,
        is_reachable=mirror.is_on and not mirror.failure and silence < SILENCE_SECONDS,
        reached_at=mirror.reached_at,
        failure=mirror.failure,
        backlog=Intent.objects.count(),
        backlog_seconds=round((now - oldest).total_seconds()) if oldest else 0,
        set_aside=SetAside.objects.count(),
        kinds=[copies.get(kind) or Copy(kind=kind) for kind in KINDS] if mirror.is_on else [],
    )


def set_aside(user: AnyUser) -> list[SetAside]:
    """The oldest documents that Elasticsearch refuses, of the kinds that `user` may view."""
    return aside_of([kind for kind in KINDS if allows(user, LABELS[kind], "view")])


def aside_of(kinds: Collection[str]) -> list[SetAside]:
    return list(SetAside.objects.filter(kind__in=kinds)[:MOST_SET_ASIDE])
