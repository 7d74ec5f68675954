"""Packages are built from wheels into an environment, which is complete as soon as it is found."""

import json
import stat

import pytest

from hosts.environments import MARKER
from hosts.package_builds import BuildError
from testbed.wheels import digest_of, lock_of


def test_requirements_resolve_to_a_lock_with_hashes(packages):
    needed = packages.wheels.add("needed")
    wanted = packages.wheels.add("wanted", requires=["needed<2", "elsewhere; sys_platform == 'win32'"])
    lines: list[str] = []
    lock = packages.builder().resolve(">=3.11", ["wanted>=1"], lines.append)
    # What it needs elsewhere is neither locked nor asked for: it need not be there.
    assert lock == lock_of(needed, wanted)
    assert any("Resolved 2 packages" in line for line in lines)


def test_packages_are_installed_with_their_bytecode_and_can_be_read_by_all(packages):
    wheel = packages.wheels.add("plain", {"plain/__init__.py": "", "plain/inner/deep.py": "", "plain/_own.py": ""})
    built = packages.install(wheel)
    assert built.modules == ["plain", "plain.inner", "plain.inner.deep"] and not built.warnings
    assert packages.store.find(digest_of(lock_of(wheel))) == built.path
    assert list(built.path.glob("plain/inner/__pycache__/deep.*.pyc"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [built.path, *built.path.rglob("*")]}
    assert {modes[built.path.name], modes["inner"]} == {0o755} and modes["deep.py"] == modes[MARKER] == 0o644
    assert ".lock" not in modes
    said = json.loads((built.path / MARKER).read_text())
    assert (said["digest"], said["modules"]) == (digest_of(lock_of(wheel)), built.modules)
    assert said["size_bytes"] == built.size_bytes > 1_000
    assert not packages.leftovers()


def test_environment_that_is_there_is_not_built_again(packages):
    wheel = packages.wheels.add("once")
    first, lines = packages.install(wheel), list[str]()
    assert packages.install(wheel, on_line=lines.append) == first
    assert not lines


def test_environment_whose_marker_is_unreadable_is_built_again(packages):
    wheel = packages.wheels.add("again")
    built = packages.install(wheel)
    (built.path / MARKER).write_text("{}")
    assert packages.install(wheel) == built
    (built.path / MARKER).unlink()
    assert packages.install(wheel) == built


def test_long_names_of_modules_are_not_kept(packages):
    """Thousands of them would be in the database, and in every editor."""
    built = packages.install(packages.wheels.add("wordy", {"long/" * 39 + "fine.py": "", "long/" * 40 + "fine.py": ""}))
    assert [len(name) for name in built.modules] == [194, 199, 199]


def test_requirements_on_python_alone_make_an_empty_environment(packages):
    builder = packages.builder()
    lock = builder.resolve(">=3.11", [], print)
    built = builder.install(digest_of(lock), ">=3.11", lock, print)
    assert (lock, built.modules) == ("", [])
    assert [path.name for path in built.path.iterdir()] == [MARKER]


@pytest.mark.parametrize(
    ("requires_python", "message"),
    [("<3.11", "No Python from 3.11 on fits requires-python <3.11."), ("new", "is not a version specifier: new")],
)
def test_requires_python_that_no_node_can_meet_is_refused(packages, requires_python, message):
    with pytest.raises(BuildError) as failure:
        packages.builder().resolve(requires_python, [], print)
    assert message in str(failure.value) and not failure.value.is_of_node


def test_requires_python_counts_for_the_lock_and_on_each_node(packages):
    wheel = packages.wheels.add("future", requires_python=">=3.99.2")
    builder = packages.builder()
    with pytest.raises(BuildError, match=r"future 1\.0 requires Python >=3\.99\.2, but the script may run on an older"):
        builder.resolve("", ["future"], print)
    with pytest.raises(BuildError, match=r"No Python from"):
        builder.resolve(">=3.99.2", ["future"], print)
    with pytest.raises(BuildError, match=r"This node has Python 3\.\d+\.\d+; the script requires >=3\.99") as failure:
        builder.install(digest_of(lock_of(wheel)), ">=3.99", lock_of(wheel), print)
    assert failure.value.is_of_node
