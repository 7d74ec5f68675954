"""An import waits until what it made current or pinned is built, and tells what happens meanwhile."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from automation.builds import Build, BuildState
from automation.models import AutomationScript
from fleet import redis_keys
from testbed.wheels import Wheelhouse
from tests.as_code.conftest import import_apis

SOURCE = """
# /// script
# dependencies = ["{}"]
# ///
import importedpkg
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=importedpkg.version)
"""

FILES = """\
scripts:
  - name: imported
    source: new.py
    versions:
      - {number: 1, source: old.py}
tokens:
  - name: caller
definitions:
  - {route: old, script: imported, scriptVersion: 1, allowedTokens: [caller]}
  - {route: new, script: imported, allowedTokens: [caller]}
"""


def _import(*arguments: Any) -> tuple[list[str], list[str]]:
    """What an import writes to standard output and to standard error."""
    out, progress = io.StringIO(), io.StringIO()
    call_command("import_apis", *map(str, arguments), stdout=out, stderr=progress)
    return out.getvalue().splitlines(), progress.getvalue().splitlines()


def test_import_ends_when_every_version_is_ready(building_stack, files, publish):
    wheels = Wheelhouse(Path(str(settings.UDAPI_WHEELHOUSE)))
    for version in ("1.0", "2.0"):
        wheels.add("importedpkg", version=version)
    main = files(FILES, **{"old.py": SOURCE.format("importedpkg<2"), "new.py": SOURCE.format("importedpkg")})
    out, progress = _import(main)
    assert "packages: imported version 2 needs importedpkg (to be resolved)" in out
    assert out[-2:] == ["imported version 1 is ready.", "imported version 2 is current."]
    assert progress[0] == "imported version 1: Building"
    assert "imported version 1: Ready: importedpkg 1.0" in progress
    assert "imported version 2: Ready: importedpkg 2.0" in progress

    # What cannot be built is told, and callers get what they got before.
    files(FILES, **{"new.py": SOURCE.format("importedpkg>2")})
    for arguments in (["--wait", 0], []):
        with pytest.raises(CommandError) as failed:
            _import(main, *arguments)
        assert failed.value.returncode == 2
    head, why = str(failed.value).split("\n", 1)
    assert head == "Everything is imported, but not ready:"
    assert why.startswith("imported version 3: No versions fit together. Because only importedpkg<=2.0 is available")
    script = AutomationScript.objects.get()
    assert (script.current_version, script.pending_version) == (2, 3)


@pytest.mark.django_db
def test_without_a_node_it_says_so_at_once(files, monkeypatch):
    monkeypatch.setattr(redis_keys, "prefix", lambda: "udapi:nobody:")
    main = files(FILES, **{"old.py": SOURCE.format("importedpkg<2"), "new.py": SOURCE.format("importedpkg")})
    with pytest.raises(CommandError) as failed:
        import_apis(main)
    assert failed.value.returncode == 2
    assert "Everything is imported, but not built: imported version 1, imported version 2." in str(failed.value)
    assert "node" in str(failed.value)
    assert set(Build.objects.values_list("state", flat=True)) == {BuildState.BUILDING}
    assert "0 added, 0 changed" in import_apis(main, "--no-wait")
    assert import_apis(main, "--dry-run").endswith("A dry run: nothing was changed.\n")


@pytest.mark.parametrize("argument", ["soon", "-1", "1.5"])
def test_time_to_wait_is_a_number_of_seconds(db, files, argument):
    with pytest.raises(CommandError, match="a number of seconds is needed"):
        import_apis(files(), "--wait", argument)
