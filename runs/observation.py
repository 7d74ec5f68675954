"""Runs that are not over: stored while they wait or run, and given up when they leave no trace."""

from collections.abc import Collection, Mapping
from typing import cast
from uuid import UUID

from django.db import transaction

from broker.client import client
from broker.installation import prefix
from fleet import current_runs
from fleet.records import Authority, RunRecord, RunStatus
from foundation.ids import milliseconds_of
from foundation.times import now_milliseconds
from hosts.jobs import RunKind
from runs import failing_apis, store
from runs.models import Run

STORED_AFTER_MILLISECONDS = 1_000
GIVEN_UP_AFTER_SECONDS = 30
LOST = "Neither an answer nor a trace of the run is left: its worker node ended, or Redis lost it. It may have run."

_UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)


def observe() -> None:
    """Store what waits or runs for longer than a moment, and give up what was seen and is nowhere any more.

    Raises:
        redis.RedisError, django.db.Error
    """
    current_runs.forget_dead()
    found = current_runs.look()
    stored = dict(Run.objects.filter(status__in=_UNFINISHED).values_list("pk", "status"))
    lasting = [record for record in (*found.waiting, *found.running) if _is_new(record, stored)]
    if lasting:
        with transaction.atomic():
            store.store_records(lasting)
    _give_up(found.ids, {str(key) for key in stored})


def _is_new(record: RunRecord, stored: Mapping[UUID, str]) -> bool:
    run_id = UUID(record.id)
    age = now_milliseconds() - milliseconds_of(run_id)
    return age > STORED_AFTER_MILLISECONDS and stored.get(run_id) != record.status


def _give_up(found: Collection[str], stored: Collection[str]) -> None:
    """Give up runs that are stored as unfinished and were found nowhere for a while."""
    unseen, now = cast(dict[bytes, bytes], client().hgetall(_unseen_key())), now_milliseconds()
    since = {key.decode(): int(moment) for key, moment in unseen.items()}
    absent = {run_id for run_id in stored if run_id not in found}
    if again := set(since) - absent:
        client().hdel(_unseen_key(), *again)
    if new := absent - set(since):
        client().hset(_unseen_key(), mapping=dict.fromkeys(new, now))
    lost = [run_id for run_id in absent & set(since) if now - since[run_id] > GIVEN_UP_AFTER_SECONDS * 1_000]
    if lost:
        runs = Run.objects.filter(pk__in=lost)
        with transaction.atomic():
            store.store_records([_presumed(run) for run in runs])
        failing_apis.check({run.definition_id for run in runs if run.definition_id is not None})


def _presumed(run: Run) -> RunRecord:
    return RunRecord(
        id=str(run.pk),
        kind=RunKind(run.kind),
        authority=Authority.PRESUMED,
        status=RunStatus.UNANSWERED,
        message=LOST,
        ended_at=now_milliseconds(),
    )


def _unseen_key() -> str:
    """Hash: runs that are stored as unfinished and were not found → since when."""
    return f"{prefix()}unseen"
