"""A bench for builds: wheels, a store and a builder, shared by the tests of a file."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hosts import uv_commands
from hosts.environments import EnvironmentStore
from hosts.package_builds import BuildError, BuildOptions, InstalledEnvironment, PackageBuilder
from hosts.reachable_paths import reachable_paths
from hosts.script_hosts import ScriptHosts
from testbed.package_index import PackageIndex
from testbed.stack import ROOT
from testbed.wheels import Wheelhouse, digest_of, lock_of
from tests.hosts.conftest import Bench
from tests.landlock import without_landlock

# Builds a lock in a process of its own, and prints what uv says.
BUILDER = """
import json, sys
from pathlib import Path
from hosts.environments import EnvironmentStore
from hosts.package_builds import BuildOptions, PackageBuilder
from hosts.reachable_paths import reachable_paths
root, url, digest, lock = json.load(sys.stdin)
builder = PackageBuilder(EnvironmentStore(Path(root)), BuildOptions(reachable_paths(), index_url=url))
print(builder.install(digest, "", lock, print).modules)
"""


@dataclass
class PackageBench:
    wheels: Wheelhouse
    store: EnvironmentStore

    def builder(self, **options: Any) -> PackageBuilder:
        options = {"wheelhouse": self.wheels.directory} | options
        return PackageBuilder(self.store, BuildOptions(reachable_paths(), **options))

    def install(self, *wheels: Path, on_line: Callable[[str], None] = print, **options: Any) -> InstalledEnvironment:
        lock = lock_of(*wheels)
        return self.builder(**options).install(digest_of(lock), "", lock, on_line)

    def refused(self, *wheels: Path, **options: Any) -> BuildError:
        """What is said about wheels that cannot be installed, of which nothing may be left."""
        with pytest.raises(BuildError) as failure:
            self.install(*wheels, **options)
        assert self.store.find(digest_of(lock_of(*wheels))) is None
        assert not self.leftovers()
        return failure.value

    def unresolved(self, *requirements: str, **options: Any) -> BuildError:
        with pytest.raises(BuildError) as failure:
            self.builder(**options).resolve("", requirements, print)
        assert not self.leftovers()
        return failure.value

    def leftovers(self) -> list[Path]:
        return list(self.store.root.glob(".*"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> PackageBench:
    root = tmp_path_factory.mktemp("packages")
    return PackageBench(Wheelhouse(root / "wheels"), EnvironmentStore(root / "environments"))


@pytest.fixture
def bench_with(tmp_path) -> Iterator[Callable[[EnvironmentStore], Bench]]:
    """Makes a bench for scripts that have the packages of a store."""
    made: list[ScriptHosts] = []

    def make(store: EnvironmentStore) -> Bench:
        made.append(ScriptHosts(tmp_path, environments=store))
        made[-1].start()
        return Bench(made[-1], str(tmp_path))

    yield make
    for hosts in made:
        hosts.stop()


@pytest.fixture
def in_place_of_uv(monkeypatch, tmp_path) -> Callable[[str], None]:
    """Has builds execute Python code instead of uv, exactly as they execute uv."""

    def put(code: str) -> None:
        program = tmp_path / "uv"
        program.write_text(f"#!{sys.executable} -I\n{code}")
        program.chmod(0o755)
        monkeypatch.setattr(uv_commands, "program", lambda: program)

    return put


def node(store: EnvironmentStore, index: PackageIndex, lock: str, has_landlock: bool = True) -> subprocess.Popen[str]:
    """Another node that installs a lock from the index."""
    command = [sys.executable, "-c", BUILDER]
    command = command if has_landlock else without_landlock(*command)
    started = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdin
    json.dump([str(store.root), index.url, digest_of(lock), lock], started.stdin)
    started.stdin.close()
    started.stdin = None
    return started
