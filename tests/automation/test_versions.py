"""Versions: what makes one, what it holds, and going back to one."""

import hashlib
import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from automation.models import AutomationScript
from automation.source import contents_of
from automation.versions import CONTENT, LibraryUse, ScriptVersion
from events.models import InformationEvent
from objects.changes import add_checked, delete_checked, save_checked
from objects.managers import UnrecordedChangeError
from tests.automation.saved import RUN, activate, change, current, library, numbers, save, uses
from tests.refusals import refused

BOTH = RUN + "def on_api_trigger(engine, request): pass\n"


def _last_message() -> str:
    return InformationEvent.objects.latest("number").message


def test_a_new_script_has_version_1_with_author_note_and_content(db):
    script = save(version_note="the first", timeout_seconds=5, parameters=["a"], reuse="fresh")
    version = current(script)
    assert (version.number, version.created_by, version.note) == (1, "jane", "the first")
    assert {name: getattr(version, name) for name in CONTENT} == {
        "kind": "Script", "source": RUN, "parameters": ["a"], "timeout_seconds": 5, "memory_limit_mb": 512,
        "reuse": "fresh",
    }  # fmt: skip
    assert version.entry_points() == ["run"]
    assert _last_message().endswith("was added by jane")
    assert (script.version_note, script.current_version) == ("", 1)


@pytest.mark.parametrize(
    "values",
    [{"source": BOTH}, {"parameters": ["a"]}, {"timeout_seconds": 1}, {"memory_limit_mb": 64}, {"reuse": "fresh"}],
    ids=lambda values: next(iter(values)),
)
def test_a_change_of_the_content_makes_the_next_version(db, values):
    script = save()
    change(script, **values)
    assert numbers(script) == [1, 2]
    assert (current(script).number, current(script).created_by) == (2, "john")
    assert len(set(ScriptVersion.objects.values_list("content_hash", flat=True))) == 2
    assert _last_message().endswith("was updated by john: version 2")


@pytest.mark.parametrize("values", [{"name": "other"}, {"description": "d"}])
def test_a_change_of_anything_else_makes_no_version_and_still_is_an_event(db, values):
    script = save()
    before = ScriptVersion.objects.values().get()
    change(script, **values)
    assert ScriptVersion.objects.values().get() == before
    assert AutomationScript.objects.values_list("revision", "versioned_revision").get() == (2, 2)
    assert _last_message().endswith("was updated by john")


def test_the_same_content_again_is_a_new_version_with_the_same_hash(db):
    script = save()
    for source in (BOTH, RUN):
        change(script, source=source)
    assert numbers(script) == [1, 2, 3]
    hashes = dict(ScriptVersion.objects.values_list("number", "content_hash"))
    assert hashes[1] == hashes[3] != hashes[2]


def test_the_hash_is_the_sha_256_of_the_content_and_of_the_libraries_hashes(db):
    """It is exported, so it must never change."""
    library("tools", "é = 1\n")
    script = save(source="import scripts.tools\n" + RUN)
    whole = {
        "kind": "Script", "source": "import scripts.tools\n" + RUN, "parameters": [], "timeout_seconds": 60,
        "memory_limit_mb": 512, "reuse": "warm",
        "libraries": {"tools": ScriptVersion.objects.get(kind="Library").content_hash},
    }  # fmt: skip
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert current(script).content_hash == hashlib.sha256(text.encode()).hexdigest()


def test_going_back_restores_everything_that_a_version_holds_and_makes_no_version(db):
    script = save(parameters=["a"], timeout_seconds=5, memory_limit_mb=64, reuse="fresh")
    changed: dict[str, Any] = {
        "source": BOTH,
        "parameters": [],
        "timeout_seconds": 6,
        "memory_limit_mb": 65,
        "reuse": "warm",
    }
    change(script, name="new name", description="new", **changed)
    back = activate(script, 1)
    stored = AutomationScript.objects.get()
    assert (stored.source, stored.parameters, stored.timeout_seconds) == (RUN, ["a"], 5)
    assert (stored.memory_limit_mb, stored.reuse, stored.entry_points()) == (64, "fresh", ["run"])
    assert (stored.name, stored.description) == ("new name", "new")
    assert (numbers(script), current(script).number) == ([1, 2], 1)
    assert _last_message().endswith("was updated by john: back to version 1")
    assert back.revision == stored.revision == stored.versioned_revision == 3
    change(script, source=BOTH)
    assert (numbers(script), current(script).number) == ([1, 2, 3], 3)
    assert _last_message().endswith(": version 3")


@pytest.mark.parametrize("values", [{}, {"version_note": "note"}])
def test_a_save_without_a_change_is_none(db, values):
    script = save()
    change(script, **values)
    assert AutomationScript.objects.values_list("revision", "versioned_revision").get() == (1, 1)
    assert _last_message().endswith("was added by jane")


def test_going_back_to_the_current_version_changes_nothing(db):
    script = save()
    activate(script, 1)
    assert numbers(script) == [1]
    assert _last_message().endswith("was added by jane")


def test_a_version_with_a_deleted_library_cannot_become_current(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    change(script, source=RUN)
    delete_checked(tools, "jane")
    assert LibraryUse.objects.filter(name="tools", number=1, library=None).count() == 1
    assert "tools" in refused(activate, script, 1)[1]["message"]
    # A library of the same name is another one.
    library("tools")
    assert "tools" in refused(activate, script, 1)[1]["message"]


def test_going_back_is_refused_if_a_library_is_deleted_before_the_save(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    change(script, source=RUN)
    stale = AutomationScript.objects.get(pk=script.pk)
    stale.source, stale.current_version = "import scripts.tools\n" + RUN, 1
    delete_checked(tools, "jane")
    reason, details = refused(save_checked, stale, "john")
    assert (reason, details["line"]) == ("InvalidScript", 1)
    assert "tools" in details["message"]
    assert current(script).number == 2


def test_saving_a_stale_script_whose_version_is_gone_takes_the_next_number(db):
    script = save()
    stale = AutomationScript.objects.get()
    change(script, source=BOTH)
    ScriptVersion._base_manager.filter(number=1).delete()
    save_checked(stale, "john")
    assert (numbers(script), current(script).source) == ([2, 3], RUN)


def test_saving_an_outdated_copy_of_a_script_goes_back_and_says_so(db):
    script = save()
    stale = AutomationScript.objects.get()
    change(script, source=BOTH)
    stale.description = "d"
    save_checked(stale, "john")
    assert _last_message().endswith(": back to version 1")
    assert (current(script).source, AutomationScript.objects.get().source) == (RUN, RUN)


def test_many_scripts_added_together_have_their_versions(db):
    library("tools")
    scripts = [AutomationScript(name=f"s{n}", source=f"import scripts.tools\n{RUN}# {n}") for n in range(20)]
    contents_of([script.source for script in scripts])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        add_checked(scripts, "jane")
    assert ScriptVersion.objects.filter(kind="Script", number=1, created_by="jane").count() == 20
    assert all(uses(script) == {"tools": 1} for script in scripts[:3])
    assert LibraryUse.objects.count() == 20
    assert not any("scriptversion" in each["sql"] and "MAX" in each["sql"] for each in queries)


def test_a_refused_save_leaves_no_version_and_an_object_that_can_be_saved_again(db):
    save("taken")
    script = save("mine")
    script = AutomationScript.objects.get(pk=script.pk)
    script.name, script.source, script.version_note = "taken", BOTH, "my note"
    assert refused(save_checked, script, "john")[0] == "NameInUse"
    assert numbers(script) == [1]
    assert (script.version_note, script.version_change) == ("my note", "")
    assert script.current_version == 1
    script.name = "mine"
    save_checked(script, "john")
    assert (current(script).number, current(script).note) == (2, "my note")


def test_refused_new_scripts_leave_no_version(db):
    save("taken")
    new = [AutomationScript(name=name, source=RUN) for name in ("one", "taken")]
    with pytest.raises(IntegrityError):
        add_checked(new, "jane")
    assert ScriptVersion.objects.count() == 1
    assert [script.current_version for script in new] == [None, None]


@pytest.mark.parametrize("note", ["x" * 1_001, "a\0b", "\ud800"])
def test_a_note_that_cannot_be_stored_is_refused(db, note):
    assert refused(save, version_note=note) == ("InvalidField", {"field": "versionNote"})


def test_a_source_is_kept_unchanged_and_compressed(db):
    source = "\r\n\t# 😀 é e\u0301 \u2028\r\n" + RUN + "   \n\n" + "# the same line again\n" * 1_000
    script = save(source=source)
    assert current(script).source == source
    assert ScriptVersion.objects.values_list("source", flat=True).get(source=source) == source
    with connection.cursor() as cursor:
        cursor.execute("SELECT length(source) FROM automation_scriptversion")
        assert cursor.fetchone()[0] < 1_000


def test_deleting_a_script_deletes_its_versions(db):
    script = save()
    change(script, source=BOTH)
    delete_checked(script, "john")
    assert not ScriptVersion.objects.exists()


def test_versions_cannot_be_changed_together(db):
    save()
    with pytest.raises(UnrecordedChangeError):
        ScriptVersion.objects.update(source="")
    with pytest.raises(UnrecordedChangeError):
        ScriptVersion.objects.bulk_create([])


def test_the_database_enforces_one_version_of_each_number(db):
    save()
    version = ScriptVersion.objects.get()
    version.pk = None
    with pytest.raises(IntegrityError):
        version.save(force_insert=True)


@pytest.mark.parametrize(("values", "most"), [({"description": "d"}, 3), ({"source": BOTH}, 4)])
def test_a_save_of_a_plain_script_asks_little_about_versions(db, values, most):
    """One query for users of a library, one for the current version, and two that store: the version and its script."""
    script = AutomationScript.objects.get(pk=save().pk)
    for name, value in values.items():
        setattr(script, name, value)
    with CaptureQueriesContext(connection) as queries:
        save_checked(script, "john")
    about = [each["sql"] for each in queries if "scriptversion" in each["sql"] or each["sql"].startswith("UPDATE")]
    assert len(about) == most, about


def test_a_bare_save_keeps_a_version_too(db):
    script = AutomationScript(name="bare", source=RUN)
    script.save()
    assert (current(script).number, current(script).created_by) == (1, "system")
    with pytest.raises(ValidationError):
        save(source="(")
