"""Deleting old versions of scripts: those that nothing needs and that enough newer ones have replaced."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from automation.builds import Build
from automation.libraries import hold_libraries
from automation.models import AutomationScript
from automation.versions import LibraryUse, ScriptVersion

# Sent by AutomationScript with `script_id`, in the transaction that deletes versions, while the row of the script is
# locked. A receiver returns the numbers of versions that must stay.
needed_versions: Final = Signal()

YOUNG: Final = timedelta(days=1)
"""How long a version stays in any case, because an author may notice a mistake. It stays longer where jobs may wait
longer.
"""

_STEP = 20


def prune(most: int) -> int:
    """Delete old versions of the scripts that have more than `most`; returns how many."""
    counts = ScriptVersion.objects.order_by().values("script").annotate(count=Count("pk")).filter(count__gt=most)
    scripts = list(counts.values_list("script", flat=True))
    return _in_steps(_delete_orphans) + sum(_in_steps(partial(_delete_old, script_id, most)) for script_id in scripts)


def _in_steps(step: Callable[[], int]) -> int:
    """Repeat `step` until it deletes nothing. Other writers wait for a step, not for all of them."""
    deleted = 0
    while count := step():
        deleted += count
    return deleted


@transaction.atomic
def _delete_orphans() -> int:
    """Delete versions of scripts that the release before has deleted."""
    hold_libraries()
    known = AutomationScript.objects.filter(pk=OuterRef("script"))
    return _delete(ScriptVersion.objects.exclude(Exists(known)))


@transaction.atomic
def _delete_old(script_id: UUID, most: int) -> int:
    rows = AutomationScript.objects.filter(pk=script_id).select_for_update()
    numbers = rows.values_list("current_version", "pending_version").first()
    if numbers is None or numbers == (None, None):
        return 0
    # Otherwise a version that is being saved could begin to use one of a library.
    hold_libraries()
    needed = {*_needed(script_id), *(number for number in numbers if number is not None)}
    return _delete(_old_versions(script_id, most, needed))


def _needed(script_id: UUID) -> set[int]:
    answers: Iterable[tuple[object, Any]] = needed_versions.send(sender=AutomationScript, script_id=script_id)
    return {number for _receiver, numbers in answers for number in numbers}


def _old_versions(script_id: UUID, most: int, needed: set[int]) -> QuerySet[ScriptVersion]:
    versions = ScriptVersion.objects.filter(script=script_id)
    newest = versions.order_by("-number").values_list("number", flat=True)[:most]
    waiting = timedelta(seconds=settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    old = versions.filter(created_at__lt=timezone.now() - max(YOUNG, waiting))
    # The newest of the old ones may have been current until a moment ago.
    until = old.aggregate(newest=Max("number"))["newest"] or 0
    return old.filter(number__lt=min(until, *newest)).exclude(number__in=needed)


def _delete(versions: QuerySet[ScriptVersion]) -> int:
    """Delete some of these versions, the oldest first, without reading their sources; none that another one uses."""
    unused = versions.exclude(Exists(LibraryUse.objects.filter(library=OuterRef("pk"))))
    version_ids = list(unused.order_by("number").values_list("pk", flat=True)[:_STEP])
    for rows in (
        Build._base_manager.filter(version__in=version_ids),
        LibraryUse._base_manager.filter(version__in=version_ids),
        ScriptVersion._base_manager.filter(pk__in=version_ids),
    ):
        rows._raw_delete(rows.db)
    return len(version_ids)
