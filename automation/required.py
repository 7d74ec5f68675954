"""The locks whose environments every node that takes triggers must have: those of current and of pinned versions."""

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.dispatch import Signal

from automation.builds import Build, BuildState
from automation.versions import ScriptVersion

# Sent by ScriptVersion. A receiver returns a query for the ids of versions that run although they are not current.
pinned_versions: Final = Signal()


def pinned() -> Q:
    """The builds of pinned versions."""
    answers: Iterable[tuple[object, Any]] = pinned_versions.send(sender=ScriptVersion)
    return Q(*(("version__in", version_ids) for _receiver, version_ids in answers), _connector=Q.OR)


def required_builds() -> QuerySet[Build]:
    """The builds of current and pinned versions that are ready: callers rely on them."""
    runs = Q(version__number=F("version__script__current_version")) | pinned()
    return Build.objects.filter(runs, state=BuildState.READY)


def required_locks() -> dict[int, str]:
    """The digests of their locks, by id."""
    return dict(required_builds().values_list("lock", "lock__digest").distinct())


def is_required(lock_id: int) -> bool:
    """Whether every node that takes triggers has the environment of this lock."""
    return required_builds().filter(lock=lock_id).exists()
