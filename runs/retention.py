"""How long runs are kept: for some days, and at most so many. They are deleted in small steps."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import models, transaction
from django.dispatch import receiver
from django.utils import timezone

from automation.models import AutomationScript
from automation.retention import needed_versions
from foundation.ids import first_id_at
from runs.gaps import LARGEST_COUNT
from runs.models import Run, RunBodies, RunLog, RunsNotKept

STEP: Final = 1_000
PAUSE_SECONDS: Final = 0.05
"""SQLite does not queue writers: between two steps, others must find the time to begin."""


def prune(days: int, most: int) -> int:
    """Delete what is older than `days`, and the oldest beyond `most`; returns how many runs."""
    oldest = timezone.now() - timedelta(days=days)
    _fold_not_kept(oldest)
    # Everything with a smaller id goes.
    limit = first_id_at(oldest)
    newest_first = Run.objects.order_by("-id").values_list("pk", flat=True)
    if surplus := newest_first[most : most + 1].first():
        limit = max(limit, UUID(int=surplus.int + 1))
    # A run goes before its log, so that no page shows it without; and a log goes, too, whose run was never kept.
    deleted, _, _ = (_in_steps(partial(_delete_before, model, limit)) for model in (Run, RunLog, RunBodies))
    return deleted


@transaction.atomic
def _fold_not_kept(oldest: datetime) -> None:
    """Put what was not kept before `oldest` into one row: the sum of all rows is a counter, which never falls."""
    rows = list(RunsNotKept.objects.select_for_update().filter(minute__lt=oldest).order_by("minute"))
    if len(rows) < 2:
        return
    first = rows[0]
    first.records = min(sum(row.records for row in rows), LARGEST_COUNT)
    first.extras = min(sum(row.extras for row in rows), LARGEST_COUNT)
    first.save()
    RunsNotKept.objects.filter(minute__gt=first.minute, minute__lt=oldest).delete()


def _in_steps(step: Callable[[], int]) -> int:
    """Repeat `step` until it finds less than it may delete. Others wait for a step, not for all of them."""
    deleted = 0
    while (count := step()) == STEP:
        deleted += count
        time.sleep(PAUSE_SECONDS)
    return deleted + count


@transaction.atomic
def _delete_before(model: type[models.Model], limit: UUID) -> int:
    rows = model._base_manager.filter(pk__lt=limit).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:STEP])
    found = model._base_manager.filter(pk__in=ids)
    if ids:
        found._raw_delete(found.db)
    return len(ids)


@receiver(needed_versions, sender=AutomationScript)
def versions_of_runs(script_id: UUID, **_: object) -> set[int]:
    """The versions of a script that kept runs name: they can be looked at, and run again."""
    return set(_named_versions(script_id))


def _named_versions(script_id: UUID) -> Iterator[int]:
    """From one version to the next in the index: a script may have a million runs, but has few versions."""
    named = Run.objects.filter(script_id=script_id).order_by("script_version").values_list("script_version", flat=True)
    number = named.filter(script_version__gte=0).first()
    while number is not None:
        yield number
        number = named.filter(script_version__gt=number).first()
