"""Versions with packages: when they are built, become current, are given up, and go."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from automation import build_changes, build_ends, retention, trial_builds, unversioned
from automation.builds import Build, BuildState, NodeEnvironment, PackageLock, state_of
from automation.models import AutomationScript
from automation.rebuilds import build_again
from automation.required import is_required, required_locks
from automation.requirements import Requirements
from automation.versions import ScriptVersion
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from events.models import InformationEvent
from objects.changes import delete_checked, save_checked
from tests.automation.built import build, finish, has, locked, needing, resolve
from tests.automation.saved import RUN, activate, change, library, numbers, save
from tests.race import race
from tests.refusals import refused

TRIGGER = "def on_api_trigger(engine, request): pass\n"


def last_message() -> str:
    return InformationEvent.objects.latest("number").message.partition(") ")[2]


def ended() -> str:
    """The last event, of a build that has ended."""
    return InformationEvent.objects.latest("number").message.partition("): ")[2]


def test_the_first_version_is_current_once_it_is_built(db):
    script = save(source=needing("six"))
    assert has(script) == (None, 1) == (script.current_version, script.pending_version)
    assert last_message() == "was added by jane: version 1, as soon as it is built"
    assert (build(script, 1).state, build(script, 1).becomes_current) == (BuildState.BUILDING, True)
    done = finish(script, 1)
    assert has(script) == (1, None)
    assert (done.state, done.started_by, ended()) == (BuildState.READY, "jane", "version 1 is ready and current")
    assert required_locks() == dict(PackageLock.objects.values_list("pk", "digest"))


def test_callers_get_the_old_version_until_the_new_one_is_built(db):
    script = save()
    change(script, source=needing("six"))
    assert (has(script), last_message()) == ((1, 2), "was updated by john: version 2, as soon as it is built")
    revision = AutomationScript.objects.get().revision
    finish(script, 2)
    # The content is as it was saved: no new revision.
    assert (has(script), AutomationScript.objects.get().revision) == ((2, None), revision)
    assert InformationEvent.objects.latest("number").user_name == "john"


@pytest.mark.parametrize("block", ["", "# /// script\n# dependencies = []\n# ///\n"])
def test_without_packages_a_version_is_ready_at_once(db, block):
    script = save(source=block + RUN)
    assert has(script) == (1, None)
    assert not Build.objects.exists()
    assert state_of(ScriptVersion.objects.get()) == BuildState.READY


def test_the_same_packages_keep_their_lock_and_are_ready_at_once(db):
    script = save(source=needing("six", "attrs"))
    first = finish(script, 1)
    change(script, source=needing("attrs", "six") + "# changed\n")
    assert (has(script), build(script, 2).lock, build(script, 2).state) == ((2, None), first.lock, BuildState.READY)
    assert last_message() == "was updated by john: version 2"
    change(script, source=needing("attrs"))
    assert (has(script), build(script, 3).lock) == ((2, 3), None)


def test_packages_that_are_no_longer_allowed_are_not_kept(db, settings):
    """Those that the packages of a block need count as well, for what is saved and for what is tried."""
    script = save(source=needing("six"))
    resolve(build(script, 1))
    PackageLock.objects.update(packages=[["six", "1.0"], ["attrs", "1.0"]])
    build_ends.ready(build(script, 1).pk)
    assert trial_builds.environment_for(Requirements(dependencies=("six",)), "jane")
    settings.UDAPI_PACKAGES_ALLOWED = ["six"]
    change(script, timeout_seconds=5)
    assert (has(script), build(script, 2).lock) == ((1, 2), None)
    assert refused(trial_builds.environment_for, Requirements(dependencies=("six",)), "jane")[0] == "PackagesNotReady"


def test_the_same_packages_wait_for_the_build_that_goes_on(db):
    script = save(source=needing("six"))
    resolve(build(script, 1))
    change(script, timeout_seconds=5)
    assert has(script) == (None, 2)
    assert build(script, 1).state == BuildState.FAILED
    assert (build(script, 2).state, build(script, 2).lock) == (BuildState.BUILDING, build(script, 1).lock)


def test_renewed_packages_are_resolved_anew(db):
    script = save(source=needing("six"))
    first = locked(script, 1)
    change(script, renews_packages=True)
    assert (has(script), build(script, 2).lock) == ((1, 2), None)
    new = locked(script, 2, "2.0")
    assert (has(script), new.packages) == ((2, None), [["six", "2.0"]])
    assert new != first
    plain = save("plain")
    change(plain, renews_packages=True)
    assert numbers(plain) == [1]


def test_a_newer_save_supersedes_a_build(db):
    script = save()
    change(script, source=needing("six"))
    change(script, source=needing("attrs"))
    old, new = build(script, 2), build(script, 3)
    assert (old.state, old.message, old.becomes_current) == (
        BuildState.FAILED,
        "Version 3 took its place before it was ready.",
        False,
    )
    # Its nodes may still come to an end.
    events = InformationEvent.objects.count()
    build_ends.ready(old.pk)
    build_ends.failed(old.pk, "too late")
    assert (has(script), build(script, 2).message) == ((1, 3), old.message)
    assert InformationEvent.objects.count() == events
    change(script, source=RUN + "# plain\n")
    assert (has(script), build(script, 3).state) == ((4, None), BuildState.FAILED)
    build_ends.ready(new.pk)
    assert has(script) == (4, None)


def test_a_failed_build_leaves_the_old_version_current(db):
    script = save()
    change(script, source="#\n" + needing("six", "attrs"))
    build_ends.failed(build(script, 2).pk, "Because there is no version of attrs …")
    failed = build(script, 2)
    assert (has(script), failed.state, failed.line) == ((1, 2), BuildState.FAILED, 3)
    assert ended() == "version 2 could not be built: Because there is no version of attrs …"
    assert state_of(ScriptVersion.objects.get(number=2)) == BuildState.FAILED
    build_ends.ready(failed.pk)
    assert has(script) == (1, 2)


@pytest.mark.parametrize(
    ("message", "line", "added"),
    [
        ("There is no package typing-x where this node looks.", 2, ""),
        ("There is no package lib-x where this node looks.", None, " The library tools asks for it."),
        ("There is no package typing-x-y where this node looks.", None, ""),
        ("The disk of this node is full.", None, ""),
        ("This node has Python 3.11.7; the script requires >=3.12.", 1, ""),
    ],
)
def test_a_failure_has_the_line_that_is_to_blame(db, message, line, added):
    library("tools", needing("lib-x", body="NAME = 1\n"))
    script = save(source=needing("Typing_X", body=f"from scripts.tools import NAME\n{RUN}"))
    build_ends.failed(build(script, 1).pk, message)
    assert (build(script, 1).line, build(script, 1).message) == (line, message + added)


def test_a_failed_build_goes_on_when_it_is_built_again(db):
    script = save()
    change(script, source=needing("six"))
    resolve(build(script, 2))
    NodeEnvironment.objects.create(node_id=1, lock=PackageLock.objects.get(), state=BuildState.FAILED)
    build_ends.failed(build(script, 2).pk, "no space left")
    _again(script, 2, "mary")
    found = build(script, 2)
    assert (found.state, found.message, found.started_by, found.ended_at) == (BuildState.BUILDING, "", "mary", None)
    # The node tries again.
    assert not NodeEnvironment.objects.filter(state=BuildState.FAILED).exists()
    build_ends.ready(found.pk)
    assert (has(script), InformationEvent.objects.latest("number").user_name) == ((2, None), "mary")
    assert not _again(script, 2, "mary")


def test_another_version_is_built_without_becoming_current(db):
    script = save(source=needing("six"))
    change(script, source=needing("attrs"))
    assert _again(script, 1, "mary")
    # It is not the one that the next save takes the place of.
    change(script, source=RUN)
    assert (build(script, 1).state, build(script, 2).state) == (BuildState.BUILDING, BuildState.FAILED)
    finish(script, 1)
    assert (has(script), ended()) == ((3, None), "version 1 is ready")


def _again(script: AutomationScript, number: int, by: str) -> bool:
    with transaction.atomic():
        stored = AutomationScript.objects.select_for_update().get(pk=script.pk)
        return build_again(stored, ScriptVersion.objects.get(script=script.pk, number=number), by)


def test_going_back_to_a_version_whose_packages_are_in_use_is_immediate(db):
    script = save(source=needing("six"))
    finish(script, 1)
    change(script, timeout_seconds=5)
    activate(script, 1)
    assert (has(script), last_message()) == ((1, None), "was updated by john: back to version 1")


def test_going_back_to_a_version_that_no_node_must_have_waits_for_them(db):
    script = save(source=needing("six"))
    lock = locked(script, 1)
    change(script, source=RUN)
    back = activate(script, 1)
    assert (has(script), back.source) == ((2, 1), needing("six"))
    assert last_message() == "was updated by john: back to version 1, as soon as it is built"
    assert (build(script, 1).state, build(script, 1).lock) == (BuildState.BUILDING, lock)
    build_ends.ready(build(script, 1).pk)
    assert (has(script), ended()) == ((1, None), "version 1 is ready and current")
    # Going back while another version is pending gives that one up.
    change(script, source=needing("attrs"))
    activate(script, 2)
    assert (has(script), build(script, 3).state) == ((2, None), BuildState.FAILED)


def test_going_back_to_what_waits_already_changes_nothing(db):
    script = save()
    change(script, source=needing("six"))
    started = build(script, 2).started_at
    activate(script, 2)
    assert (has(script), build(script, 2).started_at) == ((1, 2), started)
    assert last_message() == "was updated by john: version 2, as soon as it is built"
    activate(script, 1)
    assert (has(script), build(script, 2).state) == ((1, None), BuildState.FAILED)


@pytest.mark.parametrize("ends", [None, "ready", "failed"])
def test_another_save_leaves_what_waits_as_it_is(db, ends):
    script = save()
    change(script, source=needing("six"))
    stale = AutomationScript.objects.get()
    if ends == "ready":
        finish(script, 2)
    elif ends == "failed":
        build_ends.failed(build(script, 2).pk, "why")
    stale.description = "new"
    save_checked(stale, "john")
    expected = (2, None) if ends == "ready" else (1, 2)
    assert (has(script), (stale.current_version, stale.pending_version)) == (expected, expected)
    assert (numbers(script), last_message()) == ([1, 2], "was updated by john")
    if ends is None:
        finish(script, 2)
        assert (has(script), AutomationScript.objects.get().description) == ((2, None), "new")


def test_a_library_needs_nothing_built_and_its_users_need_its_packages(db):
    tools = library("tools", needing("six", body="NAME = 1\n"))
    assert (has(tools), Build.objects.count()) == ((1, None), 0)
    script = save(source=needing("attrs", body="import scripts.tools\n" + RUN))
    assert build(script, 1).requirements["dependencies"] == ["attrs", "six"]
    finish(script, 1)
    change(tools, source=needing("rich", body="NAME = 1\n"))
    assert has(script) == (1, None)
    change(script, renews_libraries=True)
    assert (has(script), build(script, 2).requirements["dependencies"]) == ((1, 2), ["attrs", "rich"])


def test_a_library_of_a_version_that_waits_is_in_use(db):
    tools = library("tools")
    script = save(source=needing("six", body="import scripts.tools\n" + RUN))
    assert refused(delete_checked, tools, "jane")[0] == "ScriptInUse"
    tools.name = "other"
    assert refused(save_checked, tools, "jane")[0] == "ScriptInUse"
    change(script, source=RUN)
    delete_checked(AutomationScript.objects.get(pk=tools.pk), "jane")


def test_a_version_whose_library_is_deleted_meanwhile_does_not_become_current(db):
    tools = library("tools")
    script = save(source=needing("six", body="import scripts.tools\n" + RUN))
    # As the release before, which knows nothing of versions that wait.
    ScriptVersion._base_manager.filter(script=tools.pk).delete()
    finish(script, 1)
    found = build(script, 1)
    assert (has(script), found.state) == ((None, 1), BuildState.FAILED)
    assert found.message == "The library tools has been deleted."
    with transaction.atomic():
        assert refused(build_again, script, found.version, "jane")[0] == "InvalidScript"


def test_a_version_does_not_become_current_if_the_release_before_has_saved_another_source(db):
    script = save()
    change(script, source=needing("six"))
    AutomationScript._base_manager.filter(pk=script.pk).update(source="#\n" + RUN, revision=99)
    finish(script, 2)
    assert (has(script), build(script, 2).state, ended()) == ((1, 2), BuildState.READY, "version 2 is ready")
    assert unversioned.keep_missing() == 1
    assert (has(script), numbers(script)) == ((3, None), [1, 2, 3])


def test_what_the_release_before_saves_with_packages_is_built(db):
    script = save()
    AutomationScript._base_manager.filter(pk=script.pk).update(source=needing("six"), revision=99)
    assert unversioned.keep_missing() == 1
    assert (has(script), build(script, 2).state) == ((1, 2), BuildState.BUILDING)
    assert unversioned.keep_missing() == 0


def test_versions_that_wait_stay_and_builds_go_with_their_versions(db):
    script = save(source=needing("six"))
    finish(script, 1)
    for seconds in range(1, 4):
        change(script, timeout_seconds=seconds)
    change(script, source=needing("attrs"))
    change(script, description="waits", source=needing("rich"))
    change(script, source=RUN)
    activate(script, 2)
    assert has(script) == (7, 2)
    long_ago = timezone.now() - timedelta(days=2)
    ScriptVersion._base_manager.update(created_at=long_ago)
    assert retention.prune(1) == 5
    assert (numbers(script), set(Build.objects.values_list("version__number", flat=True))) == ([2, 7], {2})
    delete_checked(AutomationScript.objects.get(), "jane")
    assert not Build.objects.exists()
    assert PackageLock.objects.count() == 1
    PackageLock.objects.update(created_at=long_ago)
    NodeEnvironment.objects.create(node_id=1, lock=PackageLock.objects.get())
    trial_builds.prune()
    assert not PackageLock.objects.exists()
    assert not NodeEnvironment.objects.exists()


def test_locks_that_a_build_names_or_that_are_new_stay(db):
    finish(save(source=needing("six")), 1)
    PackageLock.objects.update(created_at=timezone.now() - timedelta(days=2))
    PackageLock.objects.create(digest="new")
    trial_builds.prune()
    assert PackageLock.objects.count() == 2


def test_an_environment_that_is_needed_is_not_removed(db):
    script = save(source=needing("six", body=TRIGGER))
    lock = locked(script, 1)
    assert not build_ends.environment_removed(lock.pk)
    change(script, source=TRIGGER)
    pin = save_definition(ApiDefinition(route="a", script=script, script_version=1), "jane")
    assert is_required(lock.pk)
    assert not build_ends.environment_removed(lock.pk)
    delete_checked(pin, "jane")
    assert build_ends.environment_removed(lock.pk)
    gone = build(script, 1)
    assert (gone.state, gone.message) == (
        BuildState.FAILED,
        "Its environment was removed to make room. Build it again to run it.",
    )
    activate(script, 1)
    assert (has(script), build(script, 1).state) == ((2, 1), BuildState.BUILDING)
    assert not build_ends.environment_removed(lock.pk)


def test_what_an_api_is_pinned_to_is_built_although_another_version_was_saved(db):
    script = save(source=TRIGGER)
    change(script, source=needing("six", body=TRIGGER))
    waiting = ApiDefinition(route="a", script=script, script_version=2)
    waiting.may_wait_for_build = True
    save_definition(waiting, "jane")
    change(script, source=TRIGGER + "#\n")
    assert (has(script), build(script, 2).state, build(script, 2).becomes_current) == (
        (3, None),
        BuildState.BUILDING,
        False,
    )
    finish(script, 2)
    assert (has(script), ended()) == ((3, None), "version 2 is ready")


def test_a_build_and_a_save_that_end_at_once_agree(open_db):
    """Whichever is first: what the row has is what its version has."""
    for _ in range(5):
        script = save()
        change(script, source=needing("six"))
        found = build(script, 2)
        resolve(found)
        race(lambda: build_ends.ready(found.pk), lambda: change(script, source=needing("attrs")))  # noqa: B023
        state = build(script, 2).state
        assert (has(script), state) in (((2, 3), BuildState.READY), ((1, 3), BuildState.FAILED))
        delete_checked(AutomationScript.objects.get(), "jane")


def test_a_build_and_a_description_saved_at_once_are_both_kept(open_db):
    for _ in range(5):
        script = save()
        change(script, source=needing("six"))
        found = build(script, 2)
        resolve(found)
        race(lambda: build_ends.ready(found.pk), lambda: change(script, description="new"))  # noqa: B023
        assert (has(script), AutomationScript.objects.get().description) == ((2, None), "new")
        delete_checked(AutomationScript.objects.get(), "jane")


def test_an_environment_is_not_removed_while_a_save_relies_on_it(open_db):
    """Otherwise the current version could not run, on any node."""
    for _ in range(5):
        script = save(source=needing("six"))
        lock = locked(script, 1)
        change(script, source=RUN)
        other = save("other", needing("six"))
        finish(other, 1)
        race(
            lambda: change(script, wanted_version=1, source=needing("six")),  # noqa: B023
            lambda: change(other, source=RUN),  # noqa: B023
            lambda: build_ends.environment_removed(lock.pk),  # noqa: B023
        )
        current, waiting = has(script)
        assert (current, build(script, 1).state) == (1, BuildState.READY) or waiting == 1
        for each in AutomationScript.objects.all():
            delete_checked(each, "jane")
        Build.objects.all().delete()
        PackageLock.objects.all().delete()


def test_logs_keep_their_last_lines(db):
    found = build(save(source=needing("six")), 1)
    build_changes.append_log(found.pk, ["first", "x" * 70_000])
    build_changes.append_log(found.pk, ["last"])
    found.refresh_from_db()
    assert len(found.log) <= 64 * 1024
    assert found.log.endswith("last\n")
