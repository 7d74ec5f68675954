"""Which environments of a node go, and what the database says of them then."""

import os
import time
from pathlib import Path

import pytest
from django.utils import timezone

from automation.builds import Build, BuildState, NodeEnvironment, PackageLock
from fleet.environment_space import EnvironmentSpace
from hosts.environments import MARKER, EnvironmentStore, Marker

NODE_ID = 4_731
OLD_SECONDS = 120


class SpaceBench:
    """A node's environments, without the node."""

    def __init__(self, root: Path) -> None:
        self.store = EnvironmentStore(root)
        self.space = EnvironmentSpace(NODE_ID, self.store)

    def has(self, digest: str, age: float = OLD_SECONDS) -> str:
        """An environment that was used last so many seconds ago."""
        path = self.store.path(digest)
        path.mkdir(parents=True)
        Marker(digest, 1_000, [], []).write(path)
        used_at = time.time() - age
        os.utime(path / MARKER, (used_at, used_at))
        return digest

    def knows(self, digest: str, state: BuildState = BuildState.READY) -> NodeEnvironment:
        """A lock, and what the database says of its environment."""
        lock = PackageLock.objects.create(digest=digest)
        return NodeEnvironment.objects.create(node_id=NODE_ID, lock=lock, state=state)

    def names(self, digest: str) -> None:
        """A build that names a lock."""
        lock, now = PackageLock.objects.get(digest=digest), timezone.now()
        ended = {"state": BuildState.READY, "started_at": now, "ended_at": now}
        Build.objects.create(requirements={}, requirements_digest=digest, lock=lock, started_by="system", **ended)

    @property
    def digests(self) -> set[str]:
        return {each.digest for each in self.store.listed()}


@pytest.fixture
def bench(open_db, tmp_path) -> SpaceBench:
    return SpaceBench(tmp_path / "environments")


def test_use_is_noted_when_it_has_changed(bench, django_assert_max_num_queries):
    rows = [bench.knows(bench.has(letter * 64)) for letter in "0123456789"]
    for row in rows:
        bench.names(row.lock.digest)
    bench.space.keep_up({}, [])
    used = {row.pk: row.used_at for row in NodeEnvironment.objects.all()}
    assert len(used) == len(rows) and None not in used.values()
    os.utime(bench.store.path("5" * 64) / MARKER)
    again = EnvironmentSpace(NODE_ID, bench.store)
    with django_assert_max_num_queries(8):
        again.keep_up({}, [])
    changed = [row.lock.digest for row in NodeEnvironment.objects.all() if row.used_at != used[row.pk]]
    assert changed == ["5" * 64]


def test_environment_that_no_version_names_goes(bench):
    named, unnamed, new = bench.has("a" * 64), bench.has("b" * 64), bench.has("c" * 64, age=5)
    row, gone = bench.knows(named), bench.knows("d" * 64)
    bench.names(named)
    bench.space.keep_up({}, [])
    assert bench.digests == {named, new}, f"not {unnamed}"
    row.refresh_from_db()
    assert row.size_bytes == 1_000
    assert timezone.now().timestamp() - row.used_at.timestamp() > OLD_SECONDS - 10
    assert not NodeEnvironment.objects.filter(pk=gone.pk).exists(), "its environment is not here"


def test_damaged_environment_goes_although_a_version_names_it(bench):
    damaged = bench.has("a" * 64)
    bench.knows(damaged)
    bench.names(damaged)
    (bench.store.path(damaged) / MARKER).write_text('{"digest": ')
    bench.space.keep_up({}, [])
    assert not bench.digests
    assert not NodeEnvironment.objects.filter(node_id=NODE_ID).exists()


def test_row_of_a_build_that_the_node_has_left_behind_goes(bench):
    left = bench.knows("a" * 64, BuildState.BUILDING)
    needed = bench.knows("b" * 64, BuildState.BUILDING)
    bench.space.keep_up({needed.lock_id: "b" * 64}, [])
    assert list(NodeEnvironment.objects.filter(node_id=NODE_ID)) == [needed]
    assert left.lock_id != needed.lock_id
