"""An import may remove an entry point in use; it warns which APIs answer error 15 then."""

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
        f"Warning: the script status ({main.parent}/status.py) loses on_api_trigger; "
        "these answer error 15 then: a/{id}, b."
    )
    assert AutomationScript.objects.get().has_api_trigger == bool(how)


@pytest.mark.usefixtures("published")
def test_a_warning_comes_once_and_not_for_pruned_definitions(files):
    lost = {"status.py": RUN_ONLY}
    import_apis(files(SCRIPT, **lost))
    assert not _warnings(import_apis(files(SCRIPT, **{"status.py": f"{RUN_ONLY}# the same\n"})))
    (warning,) = _warnings(import_apis(files(SCRIPT)))
    assert "loses run; these answer error 15 then: runs." in warning
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
    assert warning.endswith("loses on_api_trigger; these answer error 15 then: 2 definition(s).")
