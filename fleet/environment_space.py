"""The space that environments take on a node: which ones stay, and which ones go to make room."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from automation import build_ends
from automation.builds import Build, BuildState, NodeEnvironment
from fleet.resolved_locks import ResolvedLocks
from hosts.environments import EnvironmentStore, StoredEnvironment

_PAUSE_SECONDS: Final = 60.0
_MEGABYTE: Final = 1024 * 1024


class EnvironmentSpace:
    """The environments in `store`, kept within `UDAPI_ENVIRONMENTS_MAX_MB`. Not for several threads."""

    def __init__(self, node_id: int, store: EnvironmentStore) -> None:
        self._node_id, self._store = node_id, store
        self._again_at = 0.0

    def keep_up(self, required: Mapping[int, str], builds: Sequence[Build]) -> None:
        """Once a minute, remove what no version names, and note what was used."""
        if time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + _PAUSE_SECONDS
        self._store.remove_damaged()
        known = _named_locks()
        needed = set(required.values()) | {build.lock.digest for build in builds if build.lock is not None}
        needed |= ResolvedLocks(self._store).recent().keys()
        # A lock may just have been stored, and its build not yet been read.
        listed = self._store.listed()
        self._note_uses(known, listed)
        for stored in listed:
            if stored.digest not in known and stored.digest not in needed and _has_rested(stored):
                self._store.remove(stored.digest)
        self._forget_unneeded({*required, *(build.lock_id for build in builds)})
        self._forget_removed()
        self._shrink(settings.UDAPI_ENVIRONMENTS_MAX_MB * _MEGABYTE)

    def make_room(self) -> bool:
        """After a build that lacked space, remove least recently used environments, a tenth of the limit at least.

        False if none can go.
        """
        step = settings.UDAPI_ENVIRONMENTS_MAX_MB * _MEGABYTE // 10
        return self._remove_until(self._store.size_bytes() - step)

    def _shrink(self, most_bytes: int) -> None:
        """Remove the cache, then environments, until `most_bytes` are left or none can go."""
        if self._store.size_bytes() > most_bytes:
            self._store.clear_cache()
            self._remove_until(most_bytes)

    def _remove_until(self, most_bytes: int) -> bool:
        """Whether any environment could go."""
        known, size, is_smaller = _named_locks(), self._store.size_bytes(), False
        for stored in sorted(self._store.listed(), key=lambda each: each.used_at):
            if size > most_bytes and self._remove(stored.digest, known.get(stored.digest)):
                size, is_smaller = size - stored.size_bytes, True
        return is_smaller

    def _remove(self, digest: str, lock_id: int | None) -> bool:
        # What callers rely on stays, even beyond the limit.
        if lock_id is not None and not self._let_go(lock_id):
            return False
        self._store.remove(digest)
        return True

    @transaction.atomic
    def _let_go(self, lock_id: int) -> bool:
        """Whether nothing relies on an environment; its builds are then no longer ready, and this node lacks it."""
        # In one transaction: by the row, a new build of this lock would count as ready here.
        is_free = build_ends.environment_removed(lock_id)
        if is_free:
            NodeEnvironment.objects.filter(node_id=self._node_id, lock=lock_id).delete()
        return is_free

    def _note_uses(self, known: Mapping[str, int], stored: Iterable[StoredEnvironment]) -> None:
        """Only what has changed is written: there may be thousands."""
        rows = NodeEnvironment.objects.filter(node_id=self._node_id)
        noted = {lock_id: values for lock_id, *values in rows.values_list("lock", "used_at", "size_bytes")}
        for each in stored:
            lock_id, used_at = known.get(each.digest), datetime.fromtimestamp(each.used_at, UTC)
            if lock_id in noted and noted[lock_id] != [used_at, each.size_bytes]:
                rows.filter(lock=lock_id).update(used_at=used_at, size_bytes=each.size_bytes)

    def _forget_unneeded(self, needed: set[int | None]) -> None:
        """Rows of builds that the node had begun when it ended, and that nothing needs any more."""
        rows = NodeEnvironment.objects.filter(node_id=self._node_id, state=BuildState.BUILDING)
        rows.exclude(lock__in=[lock_id for lock_id in needed if lock_id is not None]).delete()

    def _forget_removed(self) -> None:
        """Rows of environments that are not here, such as after a disk was replaced."""
        rows = NodeEnvironment.objects.filter(node_id=self._node_id, state=BuildState.READY).select_related("lock")
        for row in rows.only("lock__digest"):
            if self._store.find(row.lock.digest) is None:
                row.delete()


def _named_locks() -> dict[str, int]:
    """The locks that builds name, by digest."""
    return dict(Build.objects.exclude(lock=None).values_list("lock__digest", "lock").distinct())


def _has_rested(stored: StoredEnvironment) -> bool:
    return time.time() - stored.used_at > _PAUSE_SECONDS
