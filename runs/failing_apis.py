"""Which APIs fail. An event tells when one begins to fail, and when it has recovered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from definitions.models import ApiDefinition
from fleet.records import RunStatus
from foundation.ids import first_id_at
from hosts.jobs import RunKind
from objects.changes import health_changed
from runs.models import FailingApi, Run

WINDOW: Final = timedelta(minutes=5)
LEAST_FAILURES: Final = 5
MOST_COUNTED: Final = 1_000
"""Of an API that is called more often within the window, the latest runs tell."""

FAILURES: Final = frozenset({RunStatus.FAILED.value, RunStatus.UNANSWERED.value})
_COUNTED: Final = (RunStatus.SUCCEEDED.value, *sorted(FAILURES))
_OF_CLIENTS: Final = (RunKind.TRIGGER.value, RunKind.MESSAGE.value)
"""What users try or repeat says nothing about how clients fare."""


@dataclass(frozen=True)
class Tally:
    """How many of the latest runs of an API failed; `last` is the latest of these."""

    failed: int
    runs: int
    last: UUID | None = None

    def __str__(self) -> str:
        if self.runs == MOST_COUNTED:
            return f"{self.failed} of the last {self.runs} runs"
        return f"{self.failed} of {self.runs} runs in {WINDOW.seconds // 60} minutes"

    @property
    def is_bad(self) -> bool:
        return self.failed >= LEAST_FAILURES and 2 * self.failed >= self.runs

    @property
    def is_good(self) -> bool:
        """Without runs it is neither good nor bad."""
        return self.runs > 2 * self.failed


@dataclass(frozen=True)
class FailingNow:
    """A failing API, and its last run that failed, unless that is gone."""

    definition: ApiDefinition
    row: FailingApi
    last_run: Run | None


def current() -> Sequence[FailingNow]:
    """The enabled APIs that fail, those first that fail for the longest."""
    rows = list(FailingApi.objects.order_by("since", "pk"))
    definitions = ApiDefinition.objects.in_bulk([row.pk for row in rows])
    runs = Run.objects.in_bulk([row.last_run_id for row in rows])
    return [
        FailingNow(definition, row, runs.get(row.last_run_id))
        for row in rows
        if (definition := definitions.get(row.pk)) is not None and not definition.is_disabled
    ]


def check(definition_ids: Collection[UUID]) -> None:
    """Look again at the definitions whose runs have just failed, and at those that fail already.

    Several processes may do so at once: each change leaves one event.
    """
    known = {row.pk: row for row in FailingApi.objects.all()}
    wanted = {*definition_ids, *known}
    if not wanted:
        return
    definitions = ApiDefinition.objects.in_bulk(wanted)
    for key in sorted(wanted):
        if key in definitions:
            _look(definitions[key], known.get(key))
        elif key in known:
            FailingApi.objects.filter(pk=key).delete()


def tally(definition_id: UUID) -> Tally:
    """The runs of the last five minutes, at most the latest thousand."""
    since = first_id_at(timezone.now() - WINDOW)
    found = Run.objects.filter(definition_id=definition_id, pk__gte=since, status__in=_COUNTED, kind__in=_OF_CLIENTS)
    latest = list(found.order_by("-id").values_list("pk", "status")[:MOST_COUNTED])
    failed = [key for key, status in latest if status in FAILURES]
    return Tally(len(failed), len(latest), failed[0] if failed else None)


def _look(definition: ApiDefinition, known: FailingApi | None) -> None:
    now = tally(definition.pk)
    if known is None and now.is_bad:
        _begin(definition, now)
    elif known is not None and now.is_good:
        _end(definition)
    elif known is not None and now.is_bad and (known.failed, known.runs, known.last_run_id) != _columns(now):
        failed, runs, last = _columns(now)
        FailingApi.objects.filter(pk=definition.pk).update(failed=failed, runs=runs, last_run_id=last)


def _columns(now: Tally) -> tuple[int, int, UUID | None]:
    return now.failed, now.runs, now.last


@transaction.atomic
def _begin(definition: ApiDefinition, now: Tally) -> None:
    values = {"since": timezone.now(), "failed": now.failed, "runs": now.runs, "last_run_id": now.last}
    # A second process waits here for the commit of the first one.
    _, is_new = FailingApi.objects.get_or_create(pk=definition.pk, defaults=values)
    if is_new:
        health_changed.send(sender=ApiDefinition, instance=definition, verb="failing", text=f"is failing: {now}")


@transaction.atomic
def _end(definition: ApiDefinition) -> None:
    rows = FailingApi._base_manager.filter(pk=definition.pk)
    # The count of the statement itself: of two processes, one deletes the row.
    if rows._raw_delete(rows.db):
        health_changed.send(sender=ApiDefinition, instance=definition, verb="recovered", text="has recovered")
