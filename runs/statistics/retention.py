"""How long counters and samples are kept. Counters are deleted in small steps."""

import time
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from runs.statistics import samples
from runs.statistics.models import RunCounter, Series
from runs.statistics.periods import KEPT, minute_of

AT_ONCE: Final = 1_000
PAUSE_SECONDS: Final = 0.05
"""SQLite does not queue writers: between two steps, others must find the time to begin."""


def prune() -> None:
    """Delete counters and samples that are older than `KEPT` says, and the series of which no counter is left.

    So are those that are as far in the future: the clock of a machine was wrong, and nothing else would delete them.
    """
    now = timezone.now()
    for step, kept in KEPT.items():
        rows = RunCounter.objects.filter(step=step)
        _in_steps(rows.filter(start__lte=minute_of(now - kept) - step))
        _in_steps(rows.filter(start__gt=minute_of(now + kept)))
    for step in samples.STEPS:
        samples.prune(step, minute_of(now - KEPT[step]))
    while _forget_series():
        time.sleep(PAUSE_SECONDS)


def _in_steps(rows: "QuerySet[RunCounter]") -> None:
    """Delete the rows, the oldest first. Others wait for a step, not for all of them."""
    while (first := rows.order_by("start").values_list("start", flat=True)[:AT_ONCE]).exists():
        found = rows.filter(start__lte=max(first))
        with transaction.atomic():
            found._raw_delete(found.db)
        time.sleep(PAUSE_SECONDS)


def _forget_series() -> bool:
    """Forget some series without counters; returns whether there were any."""
    empty = Series.objects.filter(~Exists(RunCounter.objects.filter(series=OuterRef("pk"))))
    ids = list(empty.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not ids:
        return False
    with transaction.atomic():
        # Who counts in a series locks it, so none goes that has just got a counter.
        list(Series.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
        found = empty.filter(pk__in=ids)
        found._raw_delete(found.db)
    return True
