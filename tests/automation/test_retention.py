"""Deleting old versions: which ones go, and which stay because something needs them."""

from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection, transaction
from django.utils import timezone

from automation import retention
from automation.models import AutomationScript
from automation.tasks import prune_versions
from automation.versions import LibraryUse, ScriptVersion
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from events.models import InformationEvent
from tests.automation.saved import RUN, activate, change, library, numbers, save, uses
from tests.race import race
from tests.refusals import only_reason
from udapi_site import timetable

TRIGGER = "def on_api_trigger(engine, request): pass\n"


def _versions(script: AutomationScript, count: int) -> AutomationScript:
    """Change `script` until it has `count` versions."""
    for seconds in range(1, count):
        change(script, timeout_seconds=seconds)
    return script


def _age(days: float = 2, **which: object) -> None:
    """Make versions that much older than they are."""
    created = timezone.now() - timedelta(days=days)
    ScriptVersion._base_manager.filter(**which).update(created_at=created)


def _pin(script: AutomationScript, number: int | None, route: str = "pinned") -> ApiDefinition:
    return save_definition(ApiDefinition(route=route, script=script, script_version=number), "jane")


def test_versions_beyond_the_newest_ones_are_deleted(db):
    script = _versions(save(), 30)
    other = _versions(save("other"), 3)
    _age()
    events = InformationEvent.objects.count()
    before = AutomationScript.objects.values().get(pk=script.pk)
    assert retention.prune(5) == 25
    assert (numbers(script), numbers(other)) == ([26, 27, 28, 29, 30], [1, 2, 3])
    assert AutomationScript.objects.values().get(pk=script.pk) == before
    assert InformationEvent.objects.count() == events
    assert retention.prune(5) == 0
    change(script, timeout_seconds=1_000)
    assert numbers(script)[-1] == 31


def test_current_and_pinned_versions_stay(db):
    script = _versions(save(source=TRIGGER), 8)
    _pin(script, 3)
    activate(script, 5)
    _age()
    retention.prune(1)
    assert numbers(script) == [3, 5, 8]


def test_the_newest_number_stays_so_that_no_number_is_used_twice(db):
    script = _versions(save(), 4)
    activate(script, 1)
    _age()
    retention.prune(1)
    assert numbers(script) == [1, 4]
    change(script, timeout_seconds=1_000)
    assert numbers(script) == [1, 4, 5]


def test_a_version_that_was_current_within_a_day_stays(db):
    script = _versions(save(), 6)
    _age(number__lte=3)
    retention.prune(1)
    assert numbers(script) == [3, 4, 5, 6]


def test_a_version_stays_as_long_as_a_subscript_may_wait_for_it(db, settings):
    script = _versions(save(), 4)
    _age()
    settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS = 7 * 24 * 3_600
    assert retention.prune(1) == 0
    _age(8)
    assert retention.prune(1) == 3
    assert numbers(script) == [4]


def test_versions_of_libraries_stay_as_long_as_a_version_uses_them(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    for step in range(1, 4):
        change(tools, source=f"def tool(): return {step}\n")
    change(script, renews_libraries=True)
    _age()
    assert retention.prune(2) == 1
    assert (numbers(tools), numbers(script)) == ([1, 3, 4], [1, 2])
    # A library's versions may be looked at before those that use them.
    assert retention.prune(1) + retention.prune(1) == 3
    assert (numbers(tools), numbers(script), uses(script)) == ([4], [2], {"tools": 4})
    assert LibraryUse.objects.count() == 1


def test_versions_of_scripts_that_the_release_before_has_deleted_are_deleted(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    _versions(save("gone"), 45)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM automation_automationscript WHERE name IN ('gone', 'tools')")
    connection.check_constraints()
    assert retention.prune(100) == 45
    # A script still runs with its library.
    assert (numbers(tools), numbers(script), uses(script)) == ([1], [1], {"tools": 1})


def test_the_task_deletes_hourly_what_is_beyond_the_setting(db, settings, caplog):
    script = _versions(save(), 4)
    _age()
    settings.UDAPI_VERSIONS_KEEP = 2
    with caplog.at_level("INFO", "udapi.manager"):
        prune_versions()
    assert "2 old version(s) of scripts were deleted" in caplog.text
    assert numbers(script) == [3, 4]
    assert timetable.entries()[prune_versions.name]["schedule"] == timedelta(hours=1)
    assert prune_versions.name in current_app.tasks


@pytest.mark.usefixtures("open_db")
def test_the_task_says_that_the_database_does_not_answer(caplog):
    """A lost table, until the transaction is rolled back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE automation_scriptversion RENAME TO elsewhere")
        prune_versions()
        transaction.set_rollback(True)
    assert "stay in the database for another hour" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("open_db")
@pytest.mark.parametrize("attempt", range(3))
def test_pins_activations_and_saves_at_the_same_moment_keep_what_they_need(attempt):
    script = _versions(save(source=TRIGGER), 12)
    _age()
    pin, back, saved, deleted, again = race(
        lambda: _pin(script, 2),
        lambda: activate(script, 3),
        lambda: change(script, source="# new\n" + TRIGGER),
        lambda: retention.prune(1),
        lambda: retention.prune(1),
    )
    stored = AutomationScript.objects.get(pk=script.pk)
    assert stored.current_version in numbers(script)
    assert max(numbers(script)) >= 12
    assert isinstance(saved, AutomationScript)
    assert isinstance(deleted, int) and isinstance(again, int)
    if isinstance(pin, ApiDefinition):
        assert 2 in numbers(script)
    else:
        assert only_reason(pin)[0] == "InvalidActionMeta"
        assert 2 not in numbers(script)
    if not isinstance(back, AutomationScript):
        # It was deleted before; deleted after, it had been replaced by the save.
        assert isinstance(back, ScriptVersion.DoesNotExist)
