"""Packages that cannot be installed are refused with a message that says why, and nothing of them is left."""

import pytest

from hosts.build_errors import explained
from hosts.environments import python_tag
from hosts.package_builds import BuildError
from testbed.wheels import digest_of, lock_of


def prepared(packages) -> None:
    wheels = packages.wheels
    wheels.add("six")
    wheels.add("picky", requires=["six>=1,<1.1"])
    wheels.add("stale", requires=["six<1"])
    wheels.add("lost", requires=["nowhere"])
    wheels.add("by-file".replace("-", "_"), requires=[f"six @ file://{wheels.directory}/six-1.0-py3-none-any.whl"])
    wheels.add_source("docopt", "0.6.2")


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        (["docopt"], "docopt has no wheel. Packages are installed from wheels only."),
        (["unheard-of"], "There is no package unheard-of where this node looks for packages."),
        (["lost"], "There is no package nowhere where this node looks for packages."),
        (["six>=1", "stale"], "No versions fit together. Because"),
        (["six>=2"], "No versions fit together. Because only six==1.0 is available and you require six>=2"),
        (["by-file"], "by-file 1.0 requires six by an address. Packages come from the index only."),
    ],
)
def test_requirements_without_a_solution_are_explained(packages, requirements, message):
    prepared(packages)
    failure = packages.unresolved(*requirements)
    assert str(failure).startswith(message)
    assert str(packages.wheels.directory) not in str(failure)
    assert not failure.is_of_node


def test_package_for_another_platform_is_refused_by_the_node(packages):
    failure = packages.refused(packages.wheels.add("pywin", tag="cp311-cp311-win_amd64"))
    assert str(failure) == f"pywin 1.0 has no wheel for this node ({python_tag()})."
    assert failure.is_of_node


def test_package_that_is_withdrawn_after_the_lock_is_named(packages):
    wheel = packages.wheels.add("withdrawn")
    lock = lock_of(wheel)
    wheel.rename(wheel.with_name("withdrawn-1.1-py3-none-any.whl"))
    with pytest.raises(BuildError, match=r"There is no withdrawn 1\.0 where this node looks for packages\. Ask for"):
        packages.builder().install(digest_of(lock), "", lock, print)


def test_package_that_changes_after_the_lock_is_refused(packages):
    lock = lock_of(packages.wheels.add("changed"))
    packages.wheels.add("changed", {"changed.py": "other = 1\n"})
    with pytest.raises(BuildError, match=r"changed 1\.0 has changed since it was locked: its file has another hash"):
        packages.builder().install(digest_of(lock), "", lock, print)
    assert packages.store.find(digest_of(lock)) is None


@pytest.mark.parametrize("file", ["automation/__init__.py", "scripts/tool.py", "hosts.py"])
def test_package_with_a_module_of_the_product_is_refused(packages, file):
    module = file.partition("/")[0].removesuffix(".py")
    name = f"greedy_{module}"
    failure = packages.refused(packages.wheels.add(name, {file: ""}))
    assert str(failure) == f"The package {name} contains the module {module}, which belongs to the product."
    assert not failure.is_of_node


def test_package_with_a_module_of_python_is_installed_with_a_warning(packages):
    lines: list[str] = []
    built = packages.install(packages.wheels.add("shady", {"json.py": "x = 1"}), on_line=lines.append)
    warning = "The package shady contains the module json, which is part of Python: scripts import that of Python."
    assert list(built.warnings) == [warning] and f"warning: {warning}" in lines


def test_missing_directory_of_wheels_is_named(packages, tmp_path):
    failure = packages.unresolved("six", wheelhouse=tmp_path / "none")
    assert str(failure) == "The directory of wheels (UDAPI_WHEELHOUSE) is missing on this node."
    assert failure.is_of_node


@pytest.mark.parametrize(
    ("package", "asked", "named"),
    [
        ("numpy>=2.5.0", "you require numpy>=2.5", "numpy>=2.5.0"),
        ("numpy==2.5.5", "only numpy<=2.5.5 is available and you require numpy==2.5.5", "numpy 2.5.5"),
    ],
)
def test_package_for_a_newer_python_is_named_where_there_are_older_versions_of_it(package, asked, named):
    said = (
        "error: No solution found when resolving dependencies for split (markers: python_full_version == '3.11.*')\n"
        f"  cause: Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and {package} depends "
        f"on Python>=3.12, we can conclude that {package} cannot be used.\n         And because {asked}, we can "
        "conclude that your requirements are unsatisfiable.\n"
    )
    assert str(explained(said, 1, 1)).startswith(f"{named} requires Python >=3.12, but the script may run on an older")
