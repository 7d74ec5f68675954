"""What `manage.py mirror` does, in one place, so that it is loaded only where there is an Elasticsearch."""

from collections.abc import Iterable

from search.checking import check
from search.connection import MirrorError
from search.following import Follower
from search.kinds import ALL, Kind
from search.mending import BusyError, note, rebuild, repair
from search.restoring import RestoreError, restore

__all__ = [
    "BusyError",
    "Follower",
    "MirrorError",
    "RestoreError",
    "check",
    "chosen",
    "note",
    "rebuild",
    "repair",
    "restore",
]


def chosen(names: Iterable[str]) -> list[Kind]:
    """The kinds with these names; all when there are none."""
    return [ALL[name] for name in names] or list(ALL.values())
