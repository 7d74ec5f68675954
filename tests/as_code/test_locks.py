"""Locks in files: another installation gets the same packages, and a lock that does not fit is refused."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError

from automation import build_changes, build_ends, locks
from automation.builds import Build, BuildState
from automation.models import AutomationScript
from automation.requirements import Requirements
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from testbed.publisher import ECHO, Publisher
from tests.as_code.conftest import add_library, change, export, import_apis, refused, state, version_of

pytestmark = pytest.mark.django_db

HASH = "a" * 64


def block(*dependencies: str) -> str:
    return f"# /// script\n# dependencies = {list(dependencies)}\n# ///\n"


def lock(*packages: str) -> str:
    return "".join(f"{package} \\\n    --hash=sha256:{HASH}\n" for package in packages)


def built(script: AutomationScript, *packages: str) -> None:
    """What nodes do: they resolve what the script's latest version needs, and install it."""
    build = Build.objects.get(version=version_of(script, script.pending_version))
    text = lock(*packages)
    build_changes.resolved(build.pk, Requirements.from_json(build.requirements), text, locks.parse(text))
    build_ends.ready(build.pk)
    script.refresh_from_db()
    assert script.pending_version is None


def _locks() -> dict[tuple[str, int], Any]:
    """The digest of the lock of each version that has one, and whether it is built."""
    rows = Build.objects.values_list("version__script__name", "version__number", "lock__digest", "state")
    return {(name, number): (digest, str(state)) for name, number, digest, state in rows}


def _have_packages() -> AutomationScript:
    """A pinned version, a current one that has the same content and other packages, and a library with packages."""
    publish = Publisher()
    add_library("words", f"{block('chardet')}import chardet\n")
    report = publish.script(f"{block('six>=1.16')}from scripts.words import chardet\n{ECHO}", name="report")
    built(report, "chardet==5.2.0", "six==1.16.0")
    save_definition(ApiDefinition(route="pinned", script=report, script_version=1), "system", [])
    change(report, renews_packages=True)
    built(report, "chardet==5.2.0", "six==1.17.0")
    save_definition(ApiDefinition(route="current", script=report), "system", [])
    return report


def test_another_installation_gets_the_same_packages(tmp_path):
    _have_packages()
    before, had = state(), _locks()
    first = export(tmp_path / "first")
    assert first["scripts/report.lock"] == lock("chardet==5.2.0", "six==1.17.0")
    assert first["scripts/report@1.lock"] == lock("chardet==5.2.0", "six==1.16.0")
    assert "lock: scripts/report@1.lock" in first["apis.yaml"]
    main = tmp_path / "first" / "apis.yaml"
    assert "scripts: 0 added, 0 changed, 0 deleted, 2 unchanged" in import_apis(main)
    assert (state(), _locks()) == (before, had)

    Publisher.clean()
    printed = import_apis(main, "--no-wait")
    assert "packages: report version 1 needs chardet, six>=1.16 (packages in its lock: 2)" in printed
    assert "packages: report version 2 needs chardet, six>=1.16 (packages in its lock: 2)" in printed
    assert _locks() == {key: (digest, BuildState.BUILDING) for key, (digest, _) in had.items()}
    report = AutomationScript.objects.get(name="report")
    assert (report.current_version, report.pending_version) == (None, 2)
    assert export(tmp_path / "second") == first
    for build in Build.objects.all():
        build_ends.ready(build.pk)
    assert _locks() == had
    report.refresh_from_db()
    assert (report.current_version, report.pending_version) == (2, None)
    after = state()
    assert "0 added, 0 changed" in import_apis(main)
    assert state() == after


def test_files_of_locks_that_are_gone_are_removed(tmp_path):
    report = _have_packages()
    assert "scripts/report@1.lock" in export(tmp_path)
    ApiDefinition.objects.all().delete()
    change(report, source=ECHO)
    assert set(export(tmp_path)) == {"apis.yaml", "apis.schema.json", "scripts/report.py", "scripts/words.py"}


SCRIPT = "scripts:\n  - {name: s, source: s.py, lock: s.lock}\n"
VERSION = "scripts:\n  - {name: s, source: status.py, versions: [{number: 1, source: s.py, lock: s.lock}]}\n"
NEEDS_SIX = f"{block('Six[fast]>=1.16,<2')}{ECHO}"


@pytest.mark.parametrize("text", [SCRIPT, VERSION], ids=["script", "version"])
@pytest.mark.parametrize(
    ("source", "content", "why"),
    [
        (NEEDS_SIX, lock("other==1.0"), "The lock does not fit six[fast]<2,>=1.16: it lacks this package."),
        (NEEDS_SIX, lock("six==2.0"), "The lock does not fit six[fast]<2,>=1.16: it has 2.0."),
        (NEEDS_SIX, "six==1.16\n", "the lock 's.lock' cannot be used: The lock has a line that is not a package"),
        (NEEDS_SIX, f"six @ file:///six.whl --hash=sha256:{HASH}\n", "has a line that is not a package"),
        (NEEDS_SIX, "--index-url https://example.com\n", "has a line that is not a package"),
        (NEEDS_SIX, lock("six==1.16", "evil==1.0"), "The packages need evil, which is not one of those"),
        (ECHO, lock("six==1.16"), "There is a lock, but neither the source nor its libraries ask for packages."),
    ],
)
def test_lock_that_does_not_fit_is_refused(files, settings, text, source, content, why):
    settings.UDAPI_PACKAGES_ALLOWED = ["six", "other"]
    message = refused(files(text, **{"s.py": source, "s.lock": content}))
    assert why in message
    assert "apis.yaml:2: " in message


def test_blocks_that_exclude_each_other_are_refused_with_any_lock(files):
    add_library("old", "# /// script\n# requires-python = '<3.12'\n# dependencies = ['six']\n# ///\nname = 1\n")
    source = f"# /// script\n# requires-python = '>=3.13'\n# ///\nfrom scripts.old import name\n{ECHO}"
    message = refused(files(SCRIPT, **{"s.py": source, "s.lock": lock("six==1.16")}))
    assert "No version of Python from 3.11 on is <3.12,>=3.13, as requires-python says." in message


def test_lock_lies_below_the_directory_and_is_no_link(files, tmp_path):
    (tmp_path / "outside.lock").write_text(lock("six==1.16"))
    for path, why in {
        "../outside.lock": "leads outside the directory",
        "s.txt": "is not a .lock file",
        "gone.lock": "cannot be read: No such file",
        "link.lock": "is a symbolic link",
    }.items():
        main = files(SCRIPT.replace("s.lock", path), **{"s.py": NEEDS_SIX, "s.txt": ""})
        link = main.with_name("link.lock")
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / "outside.lock")
        assert why in refused(main)


def test_other_lock_is_a_new_version_and_no_lock_keeps_the_one_it_has(files):
    main = files(SCRIPT, **{"s.py": NEEDS_SIX, "s.lock": lock("six==1.16.0").replace("\n", "\r\n")})
    import_apis(main, "--no-wait")
    script = AutomationScript.objects.get(name="s")
    build_ends.ready(Build.objects.get().pk)
    before = state()
    assert "1 unchanged" in import_apis(main)
    assert state() == before

    main = files(SCRIPT, **{"s.py": NEEDS_SIX, "s.lock": lock("six==1.17.0", "extra==1 ; python_version < '3.12'")})
    difference = import_apis(main, "--dry-run")
    assert "-lock: six==1.16.0\n+lock: |-\n+  six==1.17.0\n+  extra==1 ; python_version < '3.12'\n" in difference
    assert HASH not in difference
    assert "packages: s version 2 needs six[fast]<2,>=1.16 (packages in its lock: 2)" in difference
    assert state() == before
    import_apis(main, "--no-wait")
    script.refresh_from_db()
    assert (script.current_version, script.pending_version) == (1, 2)
    build_ends.ready(Build.objects.get(version__number=2).pk)

    without = SCRIPT.replace(", lock: s.lock", "")
    before = state()
    assert "1 unchanged" in import_apis(files(without, **{"s.py": NEEDS_SIX}))
    assert state() == before
    assert "needs" not in import_apis(files(without, **{"s.py": f"{NEEDS_SIX}# other\n"}))
    script.refresh_from_db()
    assert script.current_version == 3
    needs_more = NEEDS_SIX.replace("<2", "<2', 'more")
    assert "needs more, six[fast]<2,>=1.16 (to be resolved)" in import_apis(
        files(without, **{"s.py": needs_more}), "--no-wait"
    )


def test_what_could_not_be_built_is_built_again_by_those_who_may_publish(files):
    main = files(SCRIPT, **{"s.py": NEEDS_SIX, "s.lock": lock("six==1.16.0")})
    import_apis(main, "--no-wait")
    build = Build.objects.get()
    build_ends.failed(build.pk, "There is no six 1.16.0.")
    reader = User.objects.create_user("jane")
    reader.user_permissions.add(*Permission.objects.filter(codename__in=["ui_available", "add_edit"]))
    with pytest.raises(CommandError, match=r"not ready:\ns version 1: There is no six 1\.16\.0\."):
        import_apis(main, "--as", "jane")
    assert "1 unchanged" in import_apis(main, "--no-wait")
    build.refresh_from_db()
    assert (build.state, build.message, build.becomes_current) == (BuildState.BUILDING, "", True)
