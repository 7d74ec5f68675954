"""Packages are resolved for Linux alone, which nobody is told."""

import pytest

from hosts.build_errors import BuildError


@pytest.mark.parametrize(
    ("condition", "locked"),
    [
        ("python_version < '3.13'", "python_full_version < '3.13'"),
        (
            "python_version < '3.13' or python_version > '3.30'",
            "(python_full_version < '3.13' or python_full_version >= '3.31')",
        ),
        ("sys_platform == 'linux'", ""),
    ],
)
def test_the_condition_of_a_dependency_stays_in_its_lock(packages, condition, locked):
    packages.wheels.add("older")
    lock = packages.builder().resolve("", [f"older; {condition}"], print)
    assert lock.splitlines()[0] == f"older==1.0 ; {locked} \\".replace(" ;  ", " ")


def test_messages_do_not_speak_of_markers(packages):
    packages.wheels.add("older")
    said: list[str] = []
    with pytest.raises(BuildError, match=r"Because only older==1\.0 is available and you require older>2"):
        packages.builder().resolve("", ["older>2; python_version < '3.13'"], said.append)
    assert not any("linux" in line for line in said)
