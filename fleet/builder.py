"""The builder of a worker node: makes the environments that versions need, and ends builds that all nodes have made.

It asks the database once a second what is needed. There is no queue: a message can be lost with Redis, and a node that
joins later would never get it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import redis
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from automation import build_changes, build_ends, locks
from automation.builds import LONGEST_MESSAGE, Build, BuildState, NodeEnvironment, PackageLock
from automation.required import required_locks
from automation.requirements import Requirements
from broker.lease import Lease
from fleet import settlement
from fleet.build_work import BuildWork, Installing, Need, Resolving, in_turn
from fleet.environment_space import EnvironmentSpace
from hosts.environments import EnvironmentStore, python_tag
from hosts.package_builds import BuildError, BuildOptions, InstalledEnvironment, PackageBuilder

PAUSE_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 30.0
"""After this long, a node tries again to build what it must have to take triggers."""

_LEASE_SECONDS: Final = 15.0
_JOIN_SECONDS: Final = 0.05

_log = logging.getLogger("udapi.manager")


class Builder:
    """Builds one environment after the other, in threads of its own. `on_change` is called when `is_complete` changes.

    The node takes no triggers unless it `is_complete`: it has the environments of all current and pinned versions, and
    has built whatever other nodes could build. It cannot know that before it `has_joined`: until then, the others make
    versions current without waiting for it.
    """

    def __init__(
        self,
        node_id: int,
        store: EnvironmentStore,
        options: BuildOptions,
        has_joined: Callable[[], bool],
        on_change: Callable[[], None],
    ) -> None:
        self._node_id, self._store, self._options = node_id, store, options
        self._has_joined, self._on_change = has_joined, on_change
        self._space = EnvironmentSpace(node_id, store)
        self.is_complete = self._has_told = False
        self._work: BuildWork | None = None
        self._lease: Lease | None = None
        # When what has failed is tried again, on the monotonic clock: requirements, and the ids of locks.
        self._resolve_at: dict[Resolving, float] = {}
        self._install_at: dict[int, float] = {}
        self._stopped = threading.Event()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._reachable = True

    def tick(self) -> None:
        """Start the thread that looks what is needed, unless it runs."""
        if self._stopped.is_set() or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._live, name="builder", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            _log.error("node=%s cannot look for builds: %s", self._node_id, error)

    def stop(self) -> None:
        """Stop building: the node is about to end. What is half done is removed at the next start."""
        self._stopped.set()
        self._hurry.set()
        if (work := self._work) is not None:
            work.stop()

    def _live(self) -> None:
        self._clean()
        while not self._stopped.is_set():
            try:
                self._look()
                self._reachable = True
            except (DatabaseError, redis.RedisError, OSError) as error:
                if self._reachable:
                    _log.warning("node=%s builds wait: %s", self._node_id, error)
                self._reachable = False
            finally:
                close_old_connections()
            self._hurry.wait(PAUSE_SECONDS if self._has_joined() else _JOIN_SECONDS)
            self._hurry.clear()

    def _clean(self) -> None:
        try:
            self._store.clean()
        except OSError as error:
            _log.warning("node=%s could not remove what builds have left: %s", self._node_id, error)

    def _look(self) -> None:
        """Take down what has ended, begin what is needed, and settle what other nodes have done."""
        has_joined = self._has_joined()
        self._take_down()
        going_on = Build.objects.filter(state=BuildState.BUILDING).select_related("lock").defer("log", "lock__text")
        # What is only tried delays nothing that was saved.
        builds = sorted(going_on, key=lambda build: (build.version_id is None, build.pk))
        build_ids = {build.pk for build in builds}
        self._resolve_at = {need: at for need, at in self._resolve_at.items() if need.build_id in build_ids}
        required = required_locks()
        nodes = settlement.living() if builds else None
        settled = None if nodes is None else settlement.Settlement(builds, nodes)
        left_behind = set() if settled is None else settled.locks_left_behind(self._node_id)
        if has_joined:
            self._note_complete(required, is_behind=bool(left_behind))
        self._advance(in_turn(self._needs(required, builds, left_behind), self._resolve_at, self._install_at))
        if settled is not None:
            settled.end()
        self._space.keep_up(required, builds)

    def _note_complete(self, required: dict[int, str], *, is_behind: bool) -> None:
        is_complete = not is_behind and all(self._store.find(digest) for digest in required.values())
        if is_complete != self.is_complete or not self._has_told:
            self.is_complete, self._has_told = is_complete, True
            _log.log(
                logging.INFO if is_complete else logging.WARNING,
                "node=%s %s",
                self._node_id,
                "has the packages of all current and pinned versions" if is_complete else "lacks packages: no triggers",
            )
            self._on_change()

    def _needs(self, required: dict[int, str], builds: Sequence[Build], left_behind: set[int]) -> Iterator[Need]:
        """What this node has to do: first what callers rely on."""
        rows = {row.lock_id: row for row in NodeEnvironment.objects.filter(node_id=self._node_id).defer("log")}
        for lock_id, digest in required.items():
            if self._lacks(rows.get(lock_id), digest) and self._may_retry(rows.get(lock_id)):
                yield Installing(lock_id, digest)
        for build in builds:
            if (lock := build.lock) is None:
                need = Resolving(build.pk, build.started_at, Requirements.from_json(build.requirements))
                if time.monotonic() >= self._resolve_at.get(need, 0.0):
                    yield need
            elif lock.pk not in required and self._lacks(row := rows.get(lock.pk), lock.digest):
                # What has failed here is tried again only where it keeps the node out.
                has_failed = row is not None and row.state == BuildState.FAILED
                if not has_failed or (lock.pk in left_behind and self._may_retry(row)):
                    yield Installing(lock.pk, lock.digest)

    def _may_retry(self, row: NodeEnvironment | None) -> bool:
        """Whether the pause after a failure is over. A user who builds again ends it."""
        if row is None or row.state != BuildState.FAILED:
            return True
        return time.monotonic() >= self._install_at.get(row.lock_id, 0.0)

    def _lacks(self, row: NodeEnvironment | None, digest: str) -> bool:
        """Whether the environment is not here, or is not known to be: `install` finds one that is."""
        return row is None or row.state != BuildState.READY or self._store.find(digest) is None

    def _advance(self, needs: Sequence[Need]) -> None:
        work = self._work
        if work is not None:
            if isinstance(work.need, Resolving) and self._lease is not None:
                self._lease.hold()
            self._log_lines(work)
            if work.need not in needs:
                # A newer version was saved, or its script deleted.
                work.give_up()
            return
        for need in needs:
            if self._may_begin(need):
                self._begin(need)
                return

    def _may_begin(self, need: Need) -> bool:
        """Whether no other node does it: one resolves for all."""
        if isinstance(need, Installing):
            return True
        lease = Lease(f"resolve-{need.build_id}", _LEASE_SECONDS)
        self._lease = lease if lease.hold() else None
        return self._lease is not None

    def _begin(self, need: Need) -> None:
        work = BuildWork(need, PackageBuilder(self._store, self._options), self._hurry.set)
        if isinstance(need, Resolving):
            work.resolve(need.needed)
        else:
            lock = PackageLock.objects.filter(pk=need.lock_id).first()
            if lock is None:
                return
            self._note(need.lock_id, state=BuildState.BUILDING, message="", log="", python=python_tag())
            work.install(lock.digest, lock.requires_python, lock.text)
        self._work = work

    def _take_down(self) -> None:
        """Store how the work has ended. If the database fails, the next look tries again."""
        work = self._work
        if work is None or work.goes_on:
            return
        self._log_lines(work)
        if (work.is_unwanted and work.error is not None) or (work.lacked_space and self._space.make_room()):
            self._drop(work.need)
        elif isinstance(work.need, Resolving):
            self._take_down_resolved(work, work.need)
        else:
            self._take_down_installed(work, work.need)
        if self._lease is not None:
            self._lease.release()
        self._work = self._lease = None

    def _drop(self, need: Need) -> None:
        """Leave no trace of what was given up: if it is needed still or again, it is begun anew."""
        if isinstance(need, Installing):
            rows = NodeEnvironment.objects.filter(node_id=self._node_id, lock=need.lock_id)
            rows.filter(state=BuildState.BUILDING).delete()

    def _take_down_resolved(self, work: BuildWork, need: Resolving) -> None:
        if isinstance(work.result, str):
            build_changes.resolved(need.build_id, need.needed, work.result, locks.parse(work.result))
        elif work.error is not None:
            if self._may_others_resolve(work.error, need):
                build_changes.append_log(need.build_id, [f"Node {self._node_id}: {work.error}"])
            else:
                build_ends.failed(need.build_id, str(work.error))
            self._resolve_at[need] = time.monotonic() + RETRY_SECONDS

    def _may_others_resolve(self, error: BuildError, need: Resolving) -> bool:
        """Whether another node may be able to. All have had the opportunity when this one has failed twice."""
        if not error.is_of_node or need in self._resolve_at:
            return False
        nodes = settlement.living()
        return nodes is None or nodes.has_others(self._node_id)

    def _take_down_installed(self, work: BuildWork, need: Installing) -> None:
        if isinstance(work.result, InstalledEnvironment):
            found = work.result
            self._note(need.lock_id, state=BuildState.READY, size_bytes=found.size_bytes, built_at=timezone.now())
            PackageLock.objects.filter(pk=need.lock_id, modules__isnull=True).update(modules=found.modules)
            _log.info("node=%s has built the environment %s", self._node_id, need.digest)
        elif work.error is not None:
            self._install_at[need.lock_id] = time.monotonic() + RETRY_SECONDS
            _log.error("node=%s could not build the environment %s: %s", self._node_id, need.digest, work.error)
            self._note(need.lock_id, state=BuildState.FAILED, message=str(work.error)[:LONGEST_MESSAGE])

    def _log_lines(self, work: BuildWork) -> None:
        """Store what the work has printed since the last look."""
        lines = work.new_lines()
        if not lines:
            return
        if isinstance(work.need, Resolving):
            build_changes.append_log(work.need.build_id, lines)
        else:
            self._append_log(work.need.lock_id, lines)
        work.stored(lines)

    def _append_log(self, lock_id: int, lines: Sequence[str]) -> None:
        row = NodeEnvironment.objects.filter(node_id=self._node_id, lock=lock_id)
        log = row.values_list("log", flat=True).first()
        if log is not None:
            row.update(log=build_changes.cut_log("".join([log, *(f"{line}\n" for line in lines)])))

    def _note(self, lock_id: int, **columns: object) -> None:
        if PackageLock.objects.filter(pk=lock_id).exists():
            NodeEnvironment.objects.update_or_create(node_id=self._node_id, lock_id=lock_id, defaults=columns)
