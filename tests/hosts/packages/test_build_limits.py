"""A build ends when its time, its space or the disk is used up, or the node stops; and all of it goes."""

import os
import subprocess
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hosts import build_limits
from hosts.environments import EnvironmentStore
from hosts.file_trees import bytes_of
from hosts.package_builds import BuildError
from testbed.wheels import digest_of, lock_of
from tests.hosts.conftest import eventually, lives
from tests.hosts.packages.conftest import PackageBench

# Leaves a process behind that has left its session and its parents, and never ends itself.
LINGERS = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), file=sys.stderr, flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""


@pytest.fixture
def in_memory(tmp_path):
    """A directory that is fast to fill."""
    memory = Path("/dev/shm")  # noqa: S108  memory is what it is for
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as directory:
        yield Path(directory)


def test_environment_of_more_than_a_gigabyte_is_refused_and_removed(in_memory, packages):
    wheel = packages.wheels.add_large("large", 1_200 * 1024**2)
    assert wheel.stat().st_size < 10 * 1024**2
    own = PackageBench(packages.wheels, EnvironmentStore(in_memory / "environments"))
    failure = own.refused(wheel)
    assert str(failure) == "The packages take more than 1 GB, which is the most for one script."
    assert not failure.is_of_node
    assert bytes_of(in_memory) < 100_000


def test_one_file_that_is_too_large_is_refused(packages):
    failure = packages.refused(packages.wheels.add("wide", {"wide.txt": bytes(3 * 1024**2)}), most_bytes=2 * 1024**2)
    assert str(failure) == "The packages take more than 2 MB, which is the most for one script."


def test_endless_output_is_a_failure_of_the_packages(packages, in_place_of_uv):
    in_place_of_uv("while True: print('x' * 100_000)")
    failure = packages.unresolved("endless")
    assert str(failure) == "The packages resolve to more than a lock can hold."
    assert not failure.is_of_node


def test_empty_files_take_space_as_well(packages):
    """There is room for so many entries of a disk, however little they hold."""
    wheel = packages.wheels.add("crowd", {f"crowd/{number}.txt": "" for number in range(600)})
    failure = packages.refused(wheel, most_bytes=2 * 1024**2)
    assert str(failure) == "The packages take more than 2 MB, which is the most for one script."


def test_cache_whose_modes_a_script_has_changed_is_made_anew(packages, tmp_path):
    """Landlock does not stop `chmod`, and scripts and builds may have one account."""
    own = PackageBench(packages.wheels, EnvironmentStore(tmp_path / "environments"))
    own.install(own.wheels.add("before"))
    for path in [*sorted(own.store.cache_dir.rglob("*"), reverse=True), own.store.cache_dir]:
        if not path.is_symlink():
            path.chmod(0)
    assert own.install(own.wheels.add("after")).modules == ["after"]


def test_deeply_nested_directories_keep_nobody_from_building(packages, tmp_path):
    """They are more than Python's functions for trees can enter, and must not stay in the cache for ever."""
    own = PackageBench(packages.wheels, EnvironmentStore(tmp_path / "environments"))
    deep = own.wheels.add("deep", {"deep/" + "a/" * 1100 + "deep.txt": "deep"})
    own.install(deep)
    own.install(own.wheels.add("plain"))
    own.store.remove(digest_of(lock_of(deep)))
    assert own.store.clear_cache()
    assert not own.leftovers()


def test_environments_take_what_they_may_in_all(packages):
    wheel = packages.wheels.add("last", {"last.txt": bytes(1024**2)})
    failure = packages.refused(wheel, most_total_bytes=packages.store.size_bytes() + 100_000)
    assert str(failure) == "The environments of this node take as much as they may (UDAPI_ENVIRONMENTS_MAX_MB)."
    assert failure.is_of_node


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.root
@pytest.mark.parametrize("least_free_bytes", [0, build_limits.LEAST_FREE_BYTES])
def test_full_disk_fails_the_build_of_this_node(packages, small_disk, monkeypatch, least_free_bytes):
    monkeypatch.setattr(build_limits, "LEAST_FREE_BYTES", least_free_bytes)
    full = PackageBench(packages.wheels, EnvironmentStore(small_disk / "environments"))
    failure = full.refused(packages.wheels.add("bulky", {"bulky.txt": bytes(8 * 1024**2)}))
    assert (str(failure), failure.is_of_node) == ("The disk of this node is full.", True)


def test_build_that_takes_too_long_is_killed_with_all_that_it_started(packages, in_place_of_uv):
    in_place_of_uv(LINGERS)
    lines: list[str] = []
    begun_at = time.monotonic()
    failure = packages.refused(packages.wheels.add("slow"), timeout_seconds=1.5, on_line=lines.append)
    assert time.monotonic() - begun_at < 30
    assert str(failure) == "The build has not ended within 1.5 seconds (UDAPI_BUILD_TIMEOUT_SECONDS)."
    assert failure.is_of_node
    assert not lives(int(lines[0]))


def test_node_that_stops_ends_its_build(packages, in_place_of_uv):
    in_place_of_uv(LINGERS)
    builder, lock = packages.builder(), lock_of(packages.wheels.add("halted"))
    lines: list[str] = []
    threading.Thread(target=lambda: eventually(lambda: lines) and builder.stop()).start()
    for _ in range(2):  # the second one does not even begin
        with pytest.raises(BuildError, match="The node is stopping") as failure:
            builder.install(digest_of(lock), "", lock, lines.append)
        assert failure.value.is_of_node
    assert len(lines) == 1 and not lives(int(lines[0]))
    assert not packages.leftovers()


def test_killed_build_says_so(packages, in_place_of_uv):
    in_place_of_uv("import os\nos.kill(os.getpid(), 9)")
    failure = packages.refused(packages.wheels.add("victim"))
    assert str(failure) == "The build was killed by signal 9, perhaps for lack of memory."
    assert failure.is_of_node


def test_node_without_uv_says_so(packages, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr("uv.find_uv_bin", lambda: (_ for _ in ()).throw(FileNotFoundError))
    failure = packages.unresolved("six")
    assert (str(failure), failure.is_of_node) == ("This node has no uv, which installs packages.", True)


def test_account_that_does_not_exist_is_named(packages):
    failure = packages.unresolved("six", user="no-such-user")
    assert (str(failure), failure.is_of_node) == ("There is no user no-such-user to build as.", True)
