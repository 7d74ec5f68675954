"""A builder that is killed in the middle leaves nothing that is used, and two that build the same build it once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from hosts.environments import EnvironmentStore
from testbed.package_index import PackageIndex
from testbed.wheels import digest_of, lock_of
from tests.hosts.conftest import eventually, lives
from tests.hosts.packages.conftest import PackageBench, node

ONCE = "Installed 1 package"


@pytest.fixture
def index(packages):
    with PackageIndex(packages.wheels.directory) as index:
        yield index


@pytest.fixture
def own(packages, tmp_path):
    return PackageBench(packages.wheels, EnvironmentStore(tmp_path / "environments"))


def test_builder_killed_in_the_middle_leaves_nothing_that_is_used(own, index):
    lock = lock_of(own.wheels.add("halfway"))
    index.delay_seconds = 600.0
    killed = node(own.store, index, lock)
    try:
        assert eventually(lambda: index.asked)
        below = psutil.Process(killed.pid).children(recursive=True)
        assert any(process.name() == "uv" for process in below)
        own.store.clean()  # of another node, which leaves the build alone
        assert len(own.leftovers()) == 1
    finally:
        killed.kill()
        killed.communicate()
    assert eventually(lambda: not any(lives(process.pid) for process in below))
    assert own.store.find(digest_of(lock)) is None and not own.store.listed()
    (left,) = own.leftovers()
    assert not own.store.clear_cache()
    own.store.clean()
    assert not left.exists() and own.store.clear_cache()
    # The index answers the next one.
    index.delay_seconds = 0.0
    built = own.builder(wheelhouse=None, index_url=index.url).install(digest_of(lock), "", lock, print)
    assert built.modules == ["halfway"]


def test_two_nodes_with_one_directory_build_once(own, index):
    lock = lock_of(own.wheels.add("shared"))
    index.delay_seconds = 0.3
    nodes = [node(own.store, index, lock) for _ in range(2)]
    said = [each.communicate(timeout=60)[0] for each in nodes]
    assert all(text.endswith("['shared']\n") for text in said)
    assert sum(ONCE in text for text in said) == 1
    assert not own.leftovers()


def test_two_threads_build_once_and_another_lock_beside(own, index):
    wheels = [own.wheels.add("common"), own.wheels.add("other")]
    index.delay_seconds = 0.2
    builder, lines = own.builder(wheelhouse=None, index_url=index.url), list[str]()
    at_once = threading.Barrier(3)

    def build(wheel):
        at_once.wait()
        return builder.install(digest_of(lock_of(wheel)), "", lock_of(wheel), lines.append)

    with ThreadPoolExecutor(3) as pool:
        common, again, other = pool.map(build, [wheels[0], wheels[0], wheels[1]])
    assert common == again and other.modules == ["other"]
    assert sum(ONCE in line for line in lines) == 2
