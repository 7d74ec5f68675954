"""Versions, libraries and pins in files: an export comes back, and a pin runs the same content."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.models import AutomationScript, ScriptKind
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from testbed.publisher import ECHO, Publisher
from tests.as_code.conftest import add_library, change, export, import_apis, state, using, version_of

pytestmark = pytest.mark.django_db

ODD_NAME = "Bericht: été/1 @ 2"


def _pin(script: AutomationScript, version: int, route: str) -> ApiDefinition:
    definition = ApiDefinition(route=route, script=script, script_version=version)
    return save_definition(definition, "system", [])


def _have_a_history() -> None:
    """Pins to old and to current versions, outdated libraries, a library that was renamed, a disabled definition."""
    publish = Publisher()
    base = add_library("base", "x = 1\n")
    tools = add_library("text_tools", "from scripts.base import x\n")
    before = add_library("old_name", "x = 'old'\n")
    report = publish.script(using("text_tools", "old_name"), name=ODD_NAME, parameters=["area"], timeout_seconds=7)
    _pin(report, 1, "pinned/old")
    change(report, source=using("text_tools"), parameters=[])
    _pin(report, 2, "pinned/current")
    change(before, name="new_name", kind=ScriptKind.LIBRARY)
    change(base, source="x = 2\n")
    change(base, source="x = 3\n")
    change(tools, source="from scripts.base import x\ny = 1\n")
    publish.script(using("text_tools", "new_name"), name="fresh")
    outdated = publish.script(using("base"), name="outdated")
    change(base, memory_limit_mb=64)
    twice = publish.script(name="twice")
    change(twice, timeout_seconds=1)
    change(twice, timeout_seconds=60)
    _pin(twice, 1, "twice/1")
    _pin(twice, 3, "twice/3")
    definition = ApiDefinition(route="disabled", script=outdated, is_disabled=True)
    save_definition(definition, "system", [])


def _what_runs() -> dict[str, Any]:
    """By route, what a call would run: hash, content and libraries; with the number where it is pinned."""
    found = {}
    for definition in ApiDefinition.objects.select_related("script"):
        script = definition.script
        assert script is not None
        version = version_of(script, definition.script_version)
        libraries = {name: one and (one.content_hash, one.source) for name, one in version.libraries().items()}
        what = script.name, version.content_hash, version.source, version.parameters, version.timeout_seconds, libraries
        found[definition.route] = (definition.script_version, definition.is_disabled, *what)
    return found


def test_an_export_comes_back_with_its_pins_and_libraries(tmp_path):
    _have_a_history()
    first, before, running = export(tmp_path / "first"), state(), _what_runs()
    assert "scripts/bericht-ete-1-2@1.py" in first
    assert first["scripts/bericht-ete-1-2@1.py"] == using("text_tools", "old_name")
    assert {"scripts/base@1.py", "scripts/text_tools@1.py", "scripts/new_name@1.py"} < first.keys()
    assert "old_name: new_name@1" in first["apis.yaml"]
    assert len(running) == 5
    main = tmp_path / "first" / "apis.yaml"
    printed = import_apis(main, "--prune")
    assert "scripts: 0 added, 0 changed, 0 deleted, 7 unchanged" in printed
    assert "versions" not in printed
    assert state() == before
    assert export(tmp_path / "first") == first

    Publisher.clean()
    import_apis(main)
    assert _what_runs() == running
    assert export(tmp_path / "second") == first
    after = state()
    assert "0 added, 0 changed" in import_apis(main)
    assert state() == after


def test_an_export_reads_everything_at_one_moment(tmp_path):
    _have_a_history()
    with CaptureQueriesContext(connection) as queries:
        export(tmp_path)
    assert queries.captured_queries[-1]["sql"].startswith("RELEASE SAVEPOINT")


def test_files_of_versions_that_are_gone_are_removed(tmp_path):
    script = Publisher().script(name="a")
    definition = _pin(script, 1, "r")
    assert "scripts/a@1.py" in export(tmp_path)
    definition.script_version = None
    save_definition(definition, "system", [])
    assert set(export(tmp_path)) == {"apis.yaml", "apis.schema.json", "scripts/a.py"}


PINNED = """\
scripts:
  - name: s
    source: s.py
    versions:
      - {number: 2, source: s@2.py}
definitions:
  - {route: r, script: s, scriptVersion: 2}
"""
OTHER = f"{ECHO}# other\n"


def _pinned_source() -> str:
    definition = ApiDefinition.objects.get(route="r")
    assert definition.script is not None
    assert definition.script_version is not None
    return version_of(definition.script, definition.script_version).source


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        # Nothing is stored: the number of the file.
        ([], 2),
        # 2 is another content.
        (["a", "b", "c"], 4),
        # The content is there, under another number and even twice.
        (["pinned", "b", "pinned", "c"], 3),
        # It is there under the same number, and again later.
        (["a", "pinned", "b", "pinned", "c"], 2),
    ],
)
def test_a_number_means_the_content_that_the_files_give_it(files, stored, number):
    sources = {"pinned": OTHER} | {name: f"{ECHO}# {name}\n" for name in "abc"}
    for source in stored:
        script = AutomationScript.objects.filter(name="s").first() or AutomationScript(name="s")
        change(script, source=sources[source])
    main = files(PINNED, **{"s.py": ECHO, "s@2.py": OTHER})
    printed = import_apis(main)
    assert ApiDefinition.objects.get().script_version == number
    assert _pinned_source() == OTHER
    assert AutomationScript.objects.get().source == ECHO
    assert ("version 2 of s in the files is version" in printed) == (number != 2)
    before = state()
    assert "0 added, 0 changed" in import_apis(main)
    assert state() == before


def test_a_pin_may_name_a_stored_version_and_is_shown_as_a_difference(files):
    publish = Publisher()
    script = publish.script(name="s")
    change(script, source=OTHER)
    main = files("definitions:\n  - {route: r, script: s, scriptVersion: 1}\n")
    assert "+scriptVersion: 1" in import_apis(main, "--dry-run")
    import_apis(main)
    assert _pinned_source() == ECHO
