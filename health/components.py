"""The state of each component of the installation, as this process sees it."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import redis
from django.conf import settings
from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from automation.builds import BuildState
from automation.versions import ScriptVersion
from fleet.models import PeriodicTask
from health import broker_facts, broker_states, first_seen
from health.broker_facts import BrokerFacts
from health.probe_result import public_url_state
from health.states import ComponentState, HealthStatus, overall
from runs.models import RunsNotKept
from search import state as search_state

SLOW_SECONDS: Final = 1.0
LATE_SECONDS: Final = 60
LEAST_FREE_BYTES: Final = 1_000_000_000
NO_FREE_BYTES: Final = 100_000_000
_GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class InstallationHealth:
    """The components, the essential ones first, and what Redis told; None if it did not answer."""

    components: Sequence[ComponentState]
    facts: BrokerFacts | None
    checked_at: datetime

    @property
    def status(self) -> HealthStatus:
        return overall(self.components)

    @property
    def periodic_tasks(self) -> Mapping[str, datetime]:
        """When each task that is due once a minute or less often was last sent."""
        return dict(PeriodicTask.objects.order_by("name").values_list("name", "last_sent"))


def current() -> InstallationHealth:
    """Look at every component."""
    try:
        facts: BrokerFacts | None = broker_facts.look()
    except redis.RedisError:
        facts = None
    states = [_database(), *broker_states.states(facts), *_others()]
    return InstallationHealth(components=first_seen.dated(states), facts=facts, checked_at=datetime.now(UTC))


def _others() -> Iterator[ComponentState]:
    yield _mirror()
    yield _runs()
    yield _builds()
    yield _disk()
    yield public_url_state()


def _database() -> ComponentState:
    """It answers, or this look would have failed before."""
    begun = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM broker_installation")
        cursor.fetchone()
    seconds = time.monotonic() - begun
    status = HealthStatus.IMPAIRED if seconds > SLOW_SECONDS else HealthStatus.UP
    message = f"{connection.display_name} answers within {seconds * 1_000:.1f} ms."
    return ComponentState(name="database", status=status, message=message)


def _mirror() -> ComponentState:
    status, message = HealthStatus.OFF, "Searches go to the database."
    now = search_state.current()
    if now.is_on and not now.is_reachable:
        status, message = HealthStatus.DOWN, f"Elasticsearch does not answer; changes waiting: {now.backlog}."
    elif now.is_on:
        is_behind = now.set_aside or now.backlog_seconds > LATE_SECONDS
        status = HealthStatus.IMPAIRED if is_behind else HealthStatus.UP
        message = f"Changes waiting: {now.backlog}, for {now.backlog_seconds} s; documents set aside: {now.set_aside}."
    return ComponentState(name="mirror", status=status, message=message)


def _runs() -> ComponentState:
    recent = RunsNotKept.objects.filter(minute__gt=timezone.now() - timedelta(days=1))
    counts = recent.aggregate(records=Sum("records"), extras=Sum("extras"))
    records, extras = counts["records"] or 0, counts["extras"] or 0
    status, message = HealthStatus.UP, "All runs of the last 24 hours were kept."
    if records or extras:
        status = HealthStatus.IMPAIRED
        message = f"Not kept in the last 24 hours: {records} runs, and logs and bodies of {extras}."
    return ComponentState(name="runs", status=status, message=message)


def _builds() -> ComponentState:
    failed = ScriptVersion.objects.filter(number=F("script__pending_version"), build__state=BuildState.FAILED).count()
    status, message = HealthStatus.UP, "The packages of all saved scripts are installed or being installed."
    if failed:
        status, message = (
            HealthStatus.IMPAIRED,
            f"Scripts that do not run as last saved, because a build failed: {failed}.",
        )
    return ComponentState(name="builds", status=status, message=message)


def _disk() -> ComponentState:
    """That of the machine that answers."""
    try:
        usage = shutil.disk_usage(settings.DATA_DIR.root)
    except OSError as error:
        message = f"The data directory cannot be read: {error.strerror}."
        return ComponentState(name="disk", status=HealthStatus.DOWN, message=message)
    status = HealthStatus.UP
    if usage.free < NO_FREE_BYTES:
        status = HealthStatus.DOWN
    elif usage.free < min(LEAST_FREE_BYTES, usage.total / 10):
        status = HealthStatus.IMPAIRED
    message = f"{usage.free / _GIGABYTE:.1f} of {usage.total / _GIGABYTE:.1f} GB are free in the data directory."
    return ComponentState(name="disk", status=status, message=message)
