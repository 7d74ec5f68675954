"""Packages of source that is tried before it is saved: built once, found again, and forgotten after a day."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from automation import build_ends
from automation.builds import Build, BuildState, NodeEnvironment, PackageLock
from automation.requirements import Requirements
from automation.tasks import prune_versions
from automation.trial_builds import MOST_AT_ONCE, environment_for
from automation.versions import ScriptVersion
from events.models import InformationEvent
from tests.automation.built import build, finish, locked, needing, resolve
from tests.automation.saved import RUN, change, save
from tests.refusals import refused

SIX = Requirements(dependencies=("six",))


def unready(**asked: Any) -> dict[str, Any]:
    reason, details = refused(environment_for, SIX, "jane", **asked)
    assert reason == "PackagesNotReady"
    return details


def make_older(**age: float) -> None:
    for found in Build.objects.all():
        Build.objects.filter(pk=found.pk).update(ended_at=found.ended_at and timezone.now() - timedelta(**age))
    PackageLock.objects.update(created_at=timezone.now() - timedelta(**age))


def test_what_needs_no_packages_is_not_built(db):
    assert environment_for(Requirements(), "jane") == ""
    assert not Build.objects.exists()


def test_packages_are_built_once_for_all_who_try(db):
    first = unready()
    assert unready() == first == {"build": first["build"], "state": "Building", "message": "", "log": ""}
    found = Build.objects.get()
    assert (found.pk, found.version, found.started_by, found.becomes_current) == (first["build"], None, "jane", False)
    Build.objects.update(log="resolving\n")
    resolve(found)
    found.refresh_from_db()
    NodeEnvironment.objects.create(node_id=3, lock=PackageLock.objects.get(), log="installing\n")
    assert unready()["log"] == "resolving\nNode 3:\ninstalling\n"
    build_ends.ready(found.pk)
    assert environment_for(SIX, "mary") == PackageLock.objects.get().digest
    assert Build.objects.count() == 1
    assert not InformationEvent.objects.exists()


def test_what_a_version_has_is_tried_with_its_newest_packages(db):
    script = save(source=needing("six"))
    assert unready()["build"] == build(script, 1).pk
    old = locked(script, 1)
    assert environment_for(SIX, "jane") == old.digest
    change(script, renews_packages=True)
    # Until they are ready, the ones that callers get.
    assert environment_for(SIX, "jane") == old.digest
    new = locked(script, 2, "2.0")
    make_older(days=30)
    assert environment_for(SIX, "jane") == new.digest != old.digest


def test_what_no_version_needs_is_looked_for_again_after_an_hour(db):
    """A node that has joined since lacks it."""
    script = save(source=needing("six"))
    lock = locked(script, 1)
    change(script, source=RUN)
    assert environment_for(SIX, "jane") == lock.digest
    make_older(hours=2)
    assert unready()["state"] == "Building"
    again = Build.objects.get(version=None)
    assert again.lock == lock
    build_ends.ready(again.pk)
    assert environment_for(SIX, "jane") == lock.digest


def test_what_has_failed_is_told_until_it_is_to_be_built_again(db):
    first = unready()
    build_ends.failed(first["build"], "There is no 100% six.")
    told = unready()
    assert told == first | {"state": "Failed", "message": "There is no 100% six."}
    assert Build.objects.count() == 1
    again = unready(build_again=True)
    assert again["state"] == "Building"
    assert again["build"] != first["build"]
    # It is asked for once, not each time that somebody looks whether it is ready.
    assert unready(build_again=True) == unready() == again
    # Another block is another build.
    assert refused(environment_for, Requirements(dependencies=("attrs",)), "jane")[1]["state"] == "Building"


def test_a_user_cannot_have_many_packages_installed_at_once(db):
    """Nodes build one after the other: nobody may keep them busy by trying."""

    def tried(number: int, user: str = "jane") -> int:
        return int(refused(environment_for, Requirements(dependencies=(f"six=={number}",)), user)[1]["build"])

    begun = [tried(number) for number in range(MOST_AT_ONCE)]
    assert tried(MOST_AT_ONCE) == tried(MOST_AT_ONCE + 1) == begun[0]
    assert tried(MOST_AT_ONCE, "mary") not in begun
    build_ends.failed(begun[0], "why")
    assert tried(MOST_AT_ONCE + 1) not in begun


def test_a_failure_of_a_version_does_not_keep_it_from_being_tried(db):
    script = save(source=needing("six"))
    build_ends.failed(build(script, 1).pk, "why")
    assert unready()["state"] == "Building"


@pytest.mark.parametrize("state", BuildState)
def test_builds_of_trials_are_deleted_a_day_after_their_end(db, state):
    script = save(source=needing("attrs"))
    kept = finish(script, 1)
    found = Build.objects.get(pk=unready()["build"])
    resolve(found)
    {BuildState.READY: build_ends.ready, BuildState.FAILED: lambda pk: build_ends.failed(pk, "why")}.get(
        state, lambda pk: None
    )(found.pk)
    make_older(hours=23)
    prune_versions()
    assert Build.objects.count() == PackageLock.objects.count() == 2
    make_older(hours=25)
    prune_versions()
    left = {kept.pk} | ({found.pk} if state == BuildState.BUILDING else set())
    assert set(Build.objects.values_list("pk", flat=True)) == left
    assert PackageLock.objects.count() == len(left)


def test_builds_of_versions_that_the_release_before_has_deleted_go(db):
    script = save(source=needing("six"))
    finish(script, 1)
    ScriptVersion._base_manager.all()._raw_delete("default")
    make_older(days=2)
    prune_versions()
    assert not Build.objects.exists()
    assert not PackageLock.objects.exists()


def test_pruning_is_a_task_of_the_background():
    assert prune_versions.name in current_app.conf.beat_schedule
