"""An import may remove an entry point or a parameter that APIs need; it warns which APIs that concerns."""

import pytest

from as_code.importer import import_files
from as_code.kinds import DEFINITIONS as KIND
from as_code.permissions import Actor
from automation.models import AutomationScript
from testbed.publisher import ECHO
from tests.as_code.conftest import GOOD, import_apis

pytestmark = pytest.mark.django_db

RUN_ONLY = "def run(engine):\n    pass\n"
SCRIPT = "scripts:\n  - {name: status, source: status.py}\n"
DEFINITIONS = """\
definitions:
  - {route: b, script: status}
  - {route: 'a/{id}', script: status}
  - {route: runs, script: status, actionType: AutomationScriptNoEntryPoint}
"""


def _warnings(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("Warning: ")]


@pytest.fixture
def published(files):
    """Two APIs that call `on_api_trigger` and one that calls `run`."""
    import_apis(files(f"{SCRIPT}{DEFINITIONS}", **{"status.py": ECHO + RUN_ONLY}))


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("how", [[], ["--dry-run"]])
def test_a_lost_entry_point_warns_with_the_routes_that_use_it(files, how):
    main = files(SCRIPT, **{"status.py": RUN_ONLY})
    (warning,) = _warnings(import_apis(main, *how))
    assert warning == (
        f"Warning: status ({main.parent}/status.py): The script no longer has on_api_trigger: "
        "APIs that call it will answer error 15: a/{id}, b."
    )
    assert AutomationScript.objects.get().has_api_trigger == bool(how)


@pytest.mark.usefixtures("published")
def test_a_warning_comes_once_and_not_for_pruned_definitions(files):
    lost = {"status.py": RUN_ONLY}
    import_apis(files(SCRIPT, **lost))
    assert not _warnings(import_apis(files(SCRIPT, **{"status.py": f"{RUN_ONLY}# the same\n"})))
    (warning,) = _warnings(import_apis(files(SCRIPT)))
    assert "no longer has run: APIs that call it will answer error 15: runs." in warning
    main = files(f"{SCRIPT}definitions: []\n", **lost)
    assert not _warnings(import_apis(main, "--prune"))


def test_an_import_that_keeps_entry_points_warns_of_nothing(files):
    assert not _warnings(import_apis(files()))
    assert not _warnings(import_apis(files(GOOD, **{"status.py": f"{ECHO}# changed\n"})))


@pytest.mark.usefixtures("published")
def test_a_warning_only_counts_definitions_that_the_user_may_not_read(files, monkeypatch, django_user_model):
    user = django_user_model.objects.create_user("jane")
    monkeypatch.setattr(Actor, "may", lambda self, kind, action: kind is not KIND)
    report = import_files([files(SCRIPT, **{"status.py": RUN_ONLY})], Actor(user))
    (warning,) = report.warnings
    assert warning.endswith("no longer has on_api_trigger: APIs that call it will answer error 15: 2 definition(s).")


READS = "def run(engine):\n    engine.script_param('area')\n"


@pytest.mark.parametrize("how", [[], ["--dry-run"]])
def test_parameters_that_come_and_go_warn_unless_the_api_is_pinned(files, how):
    script = "scripts:\n  - name: status\n    source: status.py\n    parameters: [{}]\n"
    runs = "  - {{route: {}, script: status, actionType: AutomationScriptNoEntryPoint{}}}\n"
    import_apis(files(f"{script.format('area')}definitions:\n{runs.format('runs', '')}", **{"status.py": READS}))
    import_apis(files(f"definitions:\n{runs.format('pinned', ', scriptVersion: 1')}"))
    main = files(script.format("zone"), **{"status.py": READS})
    added, removed = _warnings(import_apis(main, *how))
    said = "Callers must now send the parameter zone: without it, APIs will answer error 16"
    assert added == f"Warning: status ({main}:4): {said}: runs."
    assert "The source still reads the parameter area" in removed
    assert removed.endswith(": runs.")
