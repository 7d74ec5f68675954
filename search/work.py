"""What `manage.py mirror` does, in one place, so that it is loaded only where there is an Elasticsearch."""

from collections.abc import Iterable

from search.checking import check
from search.connection import MirrorError
from search.kinds import ALL, MirroredKind
from search.mending import MirrorBusyError, note, rebuild, repair
from search.restoring import RestoreError, restore
from search.tasks import bring_changes, repair_when_due

__all__ = [
    "MirrorBusyError",
    "MirrorError",
    "RestoreError",
    "bring_changes",
    "check",
    "chosen",
    "note",
    "rebuild",
    "repair",
    "repair_when_due",
    "restore",
]


def chosen(names: Iterable[str]) -> list[MirroredKind]:
    """The kinds with these names; all when there are none."""
    return [ALL[name] for name in names] or list(ALL.values())
