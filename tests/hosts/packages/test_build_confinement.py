"""What a build can reach, shown by a program that is executed in place of uv."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hosts.environments import EnvironmentStore
from hosts.package_builds import BuildError, BuildOptions, PackageBuilder
from hosts.reachable_paths import reachable_paths
from testbed.package_index import PackageIndex
from testbed.wheels import digest_of, lock_of
from tests.hosts.packages.conftest import PackageBench, node
from tests.landlock import needs_landlock, needs_scopes

pytestmark = pytest.mark.root_too

# Says as JSON what comes out of each expression.
PROBE = """
import json, os, resource, signal, sys
def result(expression):
    try: return eval(expression)
    except Exception as error: return type(error).__name__
print(json.dumps({{expression: result(expression) for expression in {expressions!r}}}), file=sys.stderr)
sys.exit(1)
"""


def probed(packages: PackageBench, in_place_of_uv, *expressions: str, **options) -> list[Any]:
    in_place_of_uv(PROBE.format(expressions=expressions))
    lines: list[str] = []
    with pytest.raises(BuildError):
        packages.builder(**options).resolve("", ["anything"], lines.append)
    found = json.loads(lines[0])
    return [found[expression] for expression in expressions]


@needs_landlock
def test_build_reaches_the_wheels_its_own_files_and_the_cache_only(packages, in_place_of_uv, tmp_path):
    secret, state = tmp_path / "secret", tmp_path / "state"
    secret.write_text("secret")
    state.mkdir()
    built = packages.install(packages.wheels.add("present"))
    wheels = packages.wheels.directory
    found = probed(
        packages,
        in_place_of_uv,
        f"open({str(secret)!r}).read()",
        f"open({str(built.path / 'present.py')!r}).read()",
        f"os.listdir({str(packages.store.root)!r})",
        f"open({str(packages.store.root / 'mine')!r}, 'w')",
        f"open({str(wheels / 'mine')!r}, 'w')",
        f"open({str(Path(__file__).parents[3] / 'manage.py')!r}).read()",
        f"open('/proc/{os.getpid()}/environ').read()",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open('/etc/shadow').read()",
        "open('/tmp/mine-of-a-build', 'w')",
    )
    assert found == ["PermissionError"] * len(found)
    allowed = probed(
        packages,
        in_place_of_uv,
        f"os.listdir({str(wheels)!r}) != []",
        "open('here', 'w').close()",
        "open(os.path.join(os.environ['HOME'], 'at-home'), 'w').close()",
        f"open({str(packages.store.cache_dir / 'cached')!r}, 'w').close()",
        "open('/dev/null', 'w').close()",
        f"os.listdir({os.path.dirname(os.__file__)!r}) != []",
    )
    assert allowed == [True, None, None, None, None, True]


@needs_landlock
def test_build_does_not_reach_what_only_scripts_may_write(packages, in_place_of_uv, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (state / "file").write_text("kept")
    paths = reachable_paths(state=state)
    expressions = [f"open({str(state / 'file')!r}).read()", "open('/dev/shm/mine-of-a-build', 'w')"]
    in_place_of_uv(PROBE.format(expressions=expressions))
    lines: list[str] = []
    with pytest.raises(BuildError):
        PackageBuilder(packages.store, BuildOptions(paths)).resolve("", ["anything"], lines.append)
    assert list(json.loads(lines[0]).values()) == ["PermissionError"] * 2


def test_build_has_no_privileges_and_limits_of_its_own(packages, in_place_of_uv):
    status, limits, session, priority, umask, descriptors = probed(
        packages,
        in_place_of_uv,
        "dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)",
        "[resource.getrlimit(limit)[1] for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)]",
        "os.getsid(0) == os.getpid()",
        "os.getpriority(os.PRIO_PROCESS, 0)",
        "os.umask(0)",
        "len(os.listdir('/proc/self/fd'))",
        most_bytes=1_000_000,
    )
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1" and status["SigBlk"] == "0" * 16
    assert (limits, session, umask) == ([0, 1_000_000], True, 0o022)
    assert priority == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
    assert descriptors == 4  # the last one belongs to the listing itself


@needs_scopes
def test_build_cannot_signal_what_watches_it(packages, in_place_of_uv):
    assert probed(packages, in_place_of_uv, "os.kill(os.getppid(), 0)") == ["PermissionError"]


@pytest.mark.root
def test_account_that_cannot_reach_what_a_build_needs_is_named(packages):
    packages.wheels.directory.parent.chmod(0o700)
    failure = packages.unresolved("present", user="nobody")
    assert str(failure).startswith("The account nobody cannot reach the environments of this node: let it pass")
    assert failure.is_of_node


def test_build_without_landlock_has_a_cache_of_its_own(packages, tmp_path):
    store, lock = EnvironmentStore(tmp_path / "environments"), lock_of(packages.wheels.add("alone"))
    with PackageIndex(packages.wheels.directory) as index:
        built = node(store, index, lock, has_landlock=False)
        said, _ = built.communicate(timeout=60)
    assert said.endswith("['alone']\n")
    assert store.find(digest_of(lock)) and not store.cache_dir.exists() and not list(store.root.glob(".*"))
