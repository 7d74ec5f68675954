"""Scripts that the release before has saved: rows changed by SQL, as that release changes them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from automation import unversioned
from automation.models import AutomationScript
from automation.tasks import keep_missing_versions
from automation.versions import ScriptVersion
from events.models import InformationEvent
from fleet.script_cache import NoScriptError, load
from tests.automation.saved import RUN, change, current, library, numbers, save, uses
from udapi_site import timetable

BOTH = RUN + "def on_api_trigger(engine, request): pass\n"
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _saved_before(script: AutomationScript, **values: Any) -> None:
    """As an UPDATE of the release before: it counts the save, and knows no column about versions."""
    columns: dict[str, Any] = {
        "version": script.revision + 1,
        "last_modified": THEN,
        "last_modified_by": "ann",
    } | values
    adapted = {column: _adapted(value) for column, value in columns.items()}
    assignments = ", ".join(f"{column} = %s" for column in adapted)
    with connection.cursor() as cursor:
        update = f"UPDATE automation_automationscript SET {assignments} WHERE name = %s"  # noqa: S608  own names
        cursor.execute(update, [*adapted.values(), script.name])


def _adapted(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _added_before(source: str = RUN, name: str = "added") -> AutomationScript:
    """As an INSERT of the release before."""
    script = AutomationScript(
        pk=uuid.uuid4(), name=name, source=source, has_run=True, created_at=THEN, last_modified=THEN,
        last_modified_by="ann", revision=1,
    )  # fmt: skip
    unknown = {"kind", "current_version", "versioned_revision"}
    fields = [field for field in AutomationScript._meta.concrete_fields if field.name not in unknown]
    values = [field.get_db_prep_save(getattr(script, field.attname), connection) for field in fields]
    columns, marks = ", ".join(str(field.column) for field in fields), ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        insert = f"INSERT INTO automation_automationscript ({columns}) VALUES ({marks})"  # noqa: S608  own names
        cursor.execute(insert, values)
    return script


def test_a_changed_script_gets_a_version_by_the_author_and_time_of_the_change(db):
    script = save()
    _saved_before(script, source=BOTH, has_api_trigger=True)
    before = AutomationScript.objects.values().get()
    events = InformationEvent.objects.count()
    assert unversioned.keep_missing() == 1
    version = current(script)
    assert (version.number, version.source, version.entry_points()) == (2, BOTH, ["on_api_trigger", "run"])
    assert (version.created_by, version.created_at) == ("ann", THEN)
    expected = before | {"current_version": 2, "versioned_revision": before["revision"]}
    assert AutomationScript.objects.values().get() == expected
    assert InformationEvent.objects.count() == events
    assert unversioned.keep_missing() == 0


def test_a_change_of_nothing_that_versions_hold_makes_none(db):
    script = save()
    _saved_before(script, description="by the release before")
    assert unversioned.keep_missing() == 1
    assert (numbers(script), unversioned.keep_missing()) == ([1], 0)


def test_an_added_script_gets_version_1(db):
    script = _added_before()
    assert AutomationScript.objects.get().kind == "Script"
    unversioned.keep_missing()
    version = current(script)
    assert (version.number, version.created_by, version.created_at, version.has_run) == (1, "ann", THEN, True)
    same = current(save("same"))
    assert version.content_hash == same.content_hash


@pytest.mark.parametrize("is_new", [True, False])
def test_a_save_by_this_release_keeps_a_version_too(db, is_new):
    script = _added_before() if is_new else save("added")
    if not is_new:
        _saved_before(script, timeout_seconds=7)
    change(script, source=BOTH)
    assert numbers(script)[-1] == current(script).number == (1 if is_new else 2)
    assert current(script).source == BOTH
    assert unversioned.keep_missing() == 0


def test_a_changed_script_keeps_or_finds_its_libraries(db):
    library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    _saved_before(script, timeout_seconds=7)
    unversioned.keep_missing()
    assert (numbers(script), uses(script)) == ([1, 2], {"tools": 1})
    _added_before("import scripts.nothing\n" + RUN)
    unversioned.keep_missing()
    assert uses(AutomationScript.objects.get(name="added")) == {}


@pytest.mark.usefixtures("open_db")
def test_a_job_of_the_release_before_runs_what_that_release_has_just_saved():
    script = save(source=RUN)
    assert load(str(script.pk), 0, "", "").version == 1
    _saved_before(script, source=BOTH)
    first = ScriptVersion.objects.get(script=script, number=1).content_hash
    assert (load(str(script.pk), 0, "", "").source, load(str(script.pk), 1, "n", first).source) == (BOTH, RUN)
    added = _added_before(name="new")
    assert (load(str(added.pk), 0, "", "").version, load(str(added.pk), 0, "", "").name) == (1, "new")
    with pytest.raises(NoScriptError):
        load(str(uuid.uuid4()), 0, "", "")


def test_the_task_runs_every_minute_and_says_what_it_did(db, caplog):
    added = _added_before()
    with caplog.at_level("INFO", "udapi.manager"):
        keep_missing_versions()
        keep_missing_versions()
    assert caplog.text.count("now have their versions") == 1
    assert ScriptVersion.objects.filter(script=added).count() == 1
    assert timetable.entries()[keep_missing_versions.name]["schedule"] == timedelta(minutes=1)
