"""What a store finds, lists and removes."""

import os
import time

import pytest

from hosts import environments
from hosts.environments import MARKER, EnvironmentStore, python_tag
from testbed.wheels import digest_of

ONE, OTHER = digest_of("one"), digest_of("other")


@pytest.fixture
def store(tmp_path):
    return EnvironmentStore(tmp_path / "environments")


def put(store: EnvironmentStore, digest: str, tag: str = "", size_bytes: int = 1_000):
    path = store.path(digest)
    path = path.with_name(f"{digest}-{tag}") if tag else path
    path.mkdir(parents=True)
    environments.Marker(digest, size_bytes, ["module"], []).write(path)
    return path


def test_new_store_is_empty_and_makes_nothing(store):
    assert (store.find(ONE), store.listed(), store.size_bytes()) == (None, [], 0)
    store.used(ONE)
    store.remove(ONE)
    assert store.clear_cache()
    assert not store.root.exists()


def test_environment_without_its_marker_is_not_found(store):
    path = put(store, ONE)
    assert store.find(ONE) == path and path.name == f"{ONE}-{python_tag()}"
    (path / MARKER).unlink()
    assert store.find(ONE) is None and store.listed() == []


@pytest.mark.parametrize("nonsense", ["", "..", "../../etc", ONE.upper(), ONE + "\n", ONE[:-1]])
def test_what_is_not_a_digest_names_no_environment(store, nonsense):
    put(store, ONE)
    assert store.find(nonsense) is None
    store.used(nonsense)
    for refusing in (store.path, store.remove):
        with pytest.raises(ValueError):
            refusing(nonsense)
    assert store.find(ONE)


def test_use_is_written_once_a_minute_and_survives_a_restart(store):
    marker = put(store, ONE) / MARKER
    put(store, OTHER)
    long_ago, lately = time.time() - 7_200, time.time() - 30
    os.utime(marker, (lately, lately))
    store.used(ONE)
    assert marker.stat().st_mtime == pytest.approx(lately)
    os.utime(marker, (long_ago, long_ago))
    found = {each.digest: each for each in EnvironmentStore(store.root).listed()}
    assert found[ONE].used_at == pytest.approx(long_ago) and found[ONE].size_bytes == 1_000
    store.used(ONE)
    assert time.time() - marker.stat().st_mtime < 60


def test_removed_environment_is_gone_for_every_python(store):
    put(store, ONE)
    put(store, ONE, "cp399-plan9")
    put(store, OTHER)
    store.remove(ONE)
    assert store.find(ONE) is None
    assert [each.digest for each in store.listed()] == [OTHER]
    assert not list(store.root.glob(".*"))


def test_size_counts_environments_and_the_cache(store):
    put(store, ONE, size_bytes=5_000)
    put(store, OTHER, size_bytes=7_000)
    store.cache_dir.mkdir()
    (store.cache_dir / "archive").write_bytes(bytes(100_000))
    assert 112_000 <= store.size_bytes() <= 130_000
    assert store.clear_cache()
    assert store.size_bytes() == 12_000


def test_clean_removes_dead_builds_and_halves_but_not_living_ones(store):
    path = put(store, ONE)
    unfinished, cached = store.cache_dir / ".tmpAbCdEf", store.cache_dir / "archive-v0"
    for kept in (unfinished, cached):
        kept.mkdir(parents=True)
    with store.locks.holding("living") as is_mine, store.building("living") as living:
        assert is_mine
        for leftover in (".building-dead-0a", ".building-living-too-0a", ".removed-0a"):
            (store.root / leftover / "inner").mkdir(parents=True)
        store.clean()
        assert living.is_dir() and list(store.root.glob(".*")) == [living]
        assert not store.clear_cache() and unfinished.exists()
    store.clean()
    assert cached.exists() and not unfinished.exists()
    assert not list(store.root.glob(".*")) and not list((store.root / "locks").glob("dead*"))
    assert store.find(ONE) == path


def test_clean_removes_environments_of_a_python_that_is_long_gone(store):
    month_ago = time.time() - 31 * 86_400
    kept, old, fresh = put(store, ONE), put(store, OTHER, "cp399-plan9"), put(store, ONE, "cp399-plan9")
    for path in (kept, old):
        os.utime(path / MARKER, (month_ago, month_ago))
    store.clean()
    assert [path.is_dir() for path in (kept, old, fresh)] == [True, False, True]


def test_lock_whose_file_was_removed_meanwhile_is_taken_anew(store):
    with store.locks.holding("name") as first:
        (store.root / "locks" / "name").unlink()
        with store.locks.holding("name") as second, store.locks.holding("name") as third:
            assert (first, second, third) == (True, True, False)
