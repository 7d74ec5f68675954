"""Rows of runs, made directly in the database."""

import itertools
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from fleet.records import Authority, RunStatus
from foundation.ids import first_id_at
from hosts.jobs import RunKind
from runs.models import Run, RunBodies

_RANDOM_BITS = 32

_numbers = itertools.count()


def id_at(moment: datetime) -> UUID:
    """The id of a run that is accepted at this moment, and after those of the same millisecond that were made before.

    The product gives the latter in random order, on which no test may depend.
    """
    return UUID(int=first_id_at(moment).int | next(_numbers) << _RANDOM_BITS | random.getrandbits(_RANDOM_BITS))


def add_run(seconds_ago: float = 0, **columns: Any) -> Run:
    """A stored run: a successful trigger unless `columns` say otherwise."""
    return add_runs([{"seconds_ago": seconds_ago} | columns])[0]


def add_runs(rows: Iterable[Mapping[str, Any]]) -> list[Run]:
    return list(Run.objects.bulk_create([_run(**row) for row in rows], batch_size=500))


def add_run_with_bodies(**columns: Any) -> Run:
    """A stored run that keeps its request."""
    run = add_run(has_bodies=True, **columns)
    RunBodies.objects.create(run_id=run.pk, request='{"body": "kept"}', response="")
    return run


def _run(seconds_ago: float = 0, **columns: Any) -> Run:
    found = {
        "id": id_at(timezone.now() - timedelta(seconds=seconds_ago)),
        "kind": RunKind.TRIGGER,
        "status": RunStatus.SUCCEEDED,
        "authority": Authority.ENDED,
        "queue_milliseconds": 1,
        "run_milliseconds": 20,
        "total_milliseconds": 23,
    }
    return Run(**(found | columns))
