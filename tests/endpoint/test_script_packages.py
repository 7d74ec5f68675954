"""The packages of script files: `manage.py run_script` and `manage.py packages`, without Redis and a database."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from automation import build_changes, build_ends, locks
from automation.builds import Build
from automation.models import AutomationScript
from automation.requirements import Requirements
from fleet.environment_space import EnvironmentSpace
from hosts.environments import MARKER, EnvironmentStore
from objects.changes import save_checked
from testbed.wheels import Wheelhouse
from tests.endpoint.script_folder import HEAD, ScriptFolder

ANSWER = "return ApiTriggerOutput(response_body=f'{%s.version}')"


def block(*dependencies: str, python: str = "") -> str:
    lines = [f"dependencies = {list(dependencies)}", *([f"requires-python = {python!r}"] if python else [])]
    return "".join(f"# {line}\n" for line in ("/// script", *lines, "///"))


def packages(*arguments: object) -> str:
    output = io.StringIO()
    call_command("packages", *map(str, arguments), stdout=output)
    return output.getvalue()


@pytest.fixture
def bench(tmp_path) -> ScriptFolder:
    return ScriptFolder(tmp_path)


@pytest.fixture
def wheels(tmp_path, settings) -> Wheelhouse:
    """A directory of wheels of this test."""
    made = Wheelhouse(tmp_path / "wheels")
    settings.UDAPI_WHEELHOUSE = made.directory
    return made


def test_file_runs_with_its_packages_and_keeps_their_lock(bench, wheels):
    for version in ("1.0", "2.0"):
        wheels.add("triedpkg", version=version)
    head = block("triedpkg<2") + "import triedpkg\n" + HEAD
    file = bench.write(ANSWER % "triedpkg", head=head)
    assert "\n\n1.0\n" in bench.run(file)
    assert "triedpkg==1.0" in bench.progress
    wheels.add("triedpkg", version="1.5")
    assert packages("lock", file).startswith("triedpkg==1.0 ")
    assert "\n\n1.5\n" in bench.run(file, "--upgrade-packages")
    assert "\n\n1.5\n" in bench.run(file)
    assert bench.progress == ""

    # A lock that is damaged is found anew.
    wheels.add("triedpkg", version="1.6")
    kept = max((settings.UDAPI_ENVIRONMENTS_DIR / "resolved").iterdir(), key=lambda file: file.stat().st_mtime)
    for damaged in (kept.read_bytes()[:-20], kept.read_bytes().replace(b"1.5", b"1.4")):
        kept.write_bytes(damaged)
        assert packages("lock", file).startswith("triedpkg==1.6 ")


def test_library_and_subscript_beside_it_have_theirs(bench, wheels):
    for version in ("1.0", "2.0"):
        wheels.add("besidepkg", version=version)
    wheels.add("librarypkg")
    (bench.folder / "words.py").write_text(block("librarypkg") + "import librarypkg\nversion = librarypkg.version\n")
    bench.write(
        "print('below', besidepkg.version)", "below", block("besidepkg") + "import besidepkg\ndef run(engine):\n"
    )
    head = block("besidepkg<2", python=">=3.11") + "import besidepkg\nfrom scripts.words import version\n" + HEAD
    told = bench.run(bench.write(f"engine.run_subscript('below')\n{ANSWER % 'besidepkg'}", head=head))
    assert "| below 2.0\n" in told
    assert "\n\n1.0\n" in told


@pytest.mark.parametrize(
    ("dependency", "library", "why"),
    [
        ("nosuchpkg", "", "The packages of {file} cannot be installed: There is no package nosuchpkg"),
        ("six @ https://example.com/six.whl", "", "{file}, line 2: A dependency is a name with versions"),
        ("allowedpkg", "a thing!", "{library}, line 2: “a thing!” is not a dependency"),
        ("otherpkg", "", "{file}, line 2: The package otherpkg is not one of those that scripts may have."),
        ("allowedpkg", "", "{file} cannot be installed: The packages need otherpkg, which is not one of those"),
    ],
)
def test_packages_that_cannot_be_had_are_told(bench, wheels, settings, dependency, library, why):
    settings.UDAPI_PACKAGES_ALLOWED = ["allowedpkg", "nosuchpkg"]
    wheels.add("allowedpkg", requires=["otherpkg"])
    wheels.add("otherpkg")
    words = bench.folder / "words.py"
    words.write_text((block(library) if library else "") + "x = 1\n")
    file = bench.write("pass", head=block(dependency) + "from scripts.words import x\n" + HEAD)
    assert why.format(file=file, library=words) in bench.fails_with(file)


def test_tests_and_other_machines_use_the_same_packages(bench, wheels, tmp_path):
    """As the documentation says it: with PYTHONPATH, and with pip, which fills a directory of wheels."""
    wheels.add("sharedpkg", version="1.0", requires=["shareddep"])
    wheels.add("shareddep")
    file = bench.write("pass", head=block("sharedpkg") + HEAD)
    path = packages("path", file).strip()
    command = [sys.executable, "-c", "import sharedpkg, shareddep; print(sharedpkg.__file__)"]
    ran = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert ran.stdout == f"{path}/sharedpkg.py\n", ran.stderr
    lock = tmp_path / "script.lock"
    lock.write_text(packages("lock", file))
    pip = [sys.executable, "-m", "pip", "download", "--no-index", "--find-links", str(wheels.directory)]
    wanted = ["--require-hashes", "--only-binary", ":all:", "--dest", str(tmp_path / "filled"), "-r", str(lock)]
    downloaded = subprocess.run(pip + wanted, capture_output=True, text=True)
    assert downloaded.returncode == 0, downloaded.stderr
    assert {found.name.partition("-")[0] for found in Path(tmp_path / "filled").iterdir()} == {"sharedpkg", "shareddep"}


def test_script_without_packages_needs_no_directory(bench):
    file = bench.write("pass")
    assert packages("path", file) == packages("lock", file) == ""


def test_neither_file_nor_script(db):
    with pytest.raises(CommandError, match=r"There is neither a file nor a script gone\.py"):
        packages("path", "gone.py")


def test_environments_are_listed_with_their_users_and_stay_while_files_use_them(db, bench, wheels):
    wheels.add("listedpkg")
    file = bench.write("pass", head=block("listedpkg") + HEAD)
    script = save_checked(AutomationScript(name="lists", source=file.read_text()), "system")
    with pytest.raises(CommandError, match="No version of lists is ready"):
        packages("path", "lists")
    path, text = Path(packages("path", file).strip()), packages("lock", file)
    build = Build.objects.get()
    needed = Requirements.from_json(build.requirements)
    build_changes.resolved(build.pk, needed, text, locks.parse(text))
    build_ends.ready(build.pk)
    assert (packages("path", "lists").strip(), packages("lock", "lists")) == (str(path), text)
    listed = packages("list").splitlines()
    first = next(number for number, line in enumerate(listed) if line.startswith(f"{path}  0.0 MB, last used "))
    assert listed[first + 1 : first + 3] == ["  packages: listedpkg 1.0", "  used by: lists, files"]
    assert " environment(s), " in listed[-1]

    script.delete()
    store = EnvironmentStore(settings.UDAPI_ENVIRONMENTS_DIR)
    long_ago = time.time() - 3_600
    os.utime(path / MARKER, (long_ago, long_ago))
    EnvironmentSpace(1, store).keep_up({}, [])
    assert path.is_dir()
    days_ago = time.time() - 2 * 86_400
    os.utime(store.root / "resolved" / f"{needed.digest}.json", (days_ago, days_ago))
    EnvironmentSpace(1, store).keep_up({}, [])
    assert not path.exists()


def test_file_and_library_that_exclude_each_other_are_told(bench):
    bench.write("", name="old", head=block(python="<3.12") + "name = 1\n")
    file = bench.write("return name", head=block(python=">=3.13") + "from scripts.old import name\n" + HEAD)
    assert (
        bench.fails_with(file) == f"{file}: No version of Python from 3.11 on is <3.12,>=3.13, as requires-python says."
    )
