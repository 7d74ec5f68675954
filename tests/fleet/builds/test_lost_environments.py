"""Environments that are lost, and those that go to make room: callers are refused rather than served without them."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import transaction

from automation import build_changes
from automation.builds import Build, BuildState, NodeEnvironment
from hosts.build_limits import LEAST_FREE_BYTES
from testbed.stack import wait_until
from tests.fleet.builds.conftest import source_of

LAZY = """
# /// script
# dependencies = ["lost"]
# ///
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    import lost
    return ApiTriggerOutput(response_body=lost.version)
"""
MEGABYTES = 30


def test_environment_that_was_deleted_is_built_anew_before_its_scripts_run(fleet):
    fleet.wheels.add("lost")
    api = fleet.publish(LAZY)
    build = fleet.ended(api.definition.script)
    plain = fleet.publish()
    assert fleet.answer(api) == (200, "1.0")
    over = Event()
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(_call_on, fleet, api, over) for _ in range(4)]
        with fleet.index.holding("/lost-1.0-py3-none-any.whl") as reached:
            fleet.first.store.clear_cache()
            shutil.rmtree(fleet.first.store.find(build.lock.digest))
            assert reached.wait(30)
            wait_until(lambda: not fleet.taking(), what="a node that takes no triggers")
            refused = {fleet.answer(api)[0], fleet.answer(plain)[0]}
            over.set()
        answers = set().union(*(call.result() for call in calls))
    assert refused == {503}
    assert {text for code, text in answers if code == 200} <= {"1.0"}
    assert not [text for code, text in answers if code != 200 and "No module named" in text]
    fleet.wait_for(fleet.first)
    assert fleet.answer(api) == (200, "1.0")


def _call_on(fleet, api, over: Event) -> set[tuple[int, str]]:
    answers = set()
    while not over.is_set():
        answers.add(fleet.answer(api))
    return answers


def test_environment_that_was_used_least_goes_to_make_room(fleet):
    for name in ("room1", "room2", "room3"):
        fleet.wheels.add(name, {f"{name}.py": "version = '1.0'\n", f"{name}.bin": bytes(MEGABYTES * 1024**2)})
    api = fleet.ready("room1")
    script = api.definition.script
    old = fleet.build(script)
    for name in ("room2", "room3"):
        fleet.save(script, source_of(name))
        assert fleet.ended(script).state == BuildState.READY
    old.refresh_from_db()
    message = "Its environment was removed to make room. Build it again to run it."
    assert (old.state, old.message) == (BuildState.FAILED, message)
    assert fleet.first.store.find(old.lock.digest) is None
    assert not NodeEnvironment.objects.filter(lock=old.lock).exists()
    assert fleet.answer(api) == (200, "1.0")


def test_environment_that_callers_rely_on_stays_whatever_the_limit(fleet):
    names = ("stay1", "stay2", "stay3")
    for name in names:
        fleet.wheels.add(name, {f"{name}.py": "version = '1.0'\n", f"{name}.bin": bytes(MEGABYTES * 1024**2)})
    apis = [fleet.ready(name) for name in names[:2]]
    script = fleet.publish.script(source_of(names[2]))
    build = fleet.ended(script)
    assert (build.state, build.message) == (
        BuildState.FAILED,
        "The environments of this node take as much as they may (UDAPI_ENVIRONMENTS_MAX_MB).",
    )
    assert {fleet.answer(api) for api in apis} == {(200, "1.0")}
    assert not Build.objects.filter(state=BuildState.FAILED).exclude(pk=build.pk).exists()


@pytest.mark.root
def test_full_disk_fails_a_version_until_there_is_room(fleet):
    root = fleet.first.store.root
    if not root.is_mount():
        pytest.skip("this container may not mount a disk")
    for name in ("small", "blocked"):
        fleet.wheels.add(name)
    api = fleet.ready("small")
    script, filler = api.definition.script, root / "filler"
    fleet.forget_unneeded(script)
    free = shutil.disk_usage(root).free
    subprocess.run(["fallocate", "-l", str(free - LEAST_FREE_BYTES // 2), filler], check=True)
    fleet.save(script, source_of("blocked"))
    build = fleet.ended(script)
    assert (build.state, build.message) == (BuildState.FAILED, "The disk of this node is full.")
    assert fleet.answer(api) == (200, "1.0")
    assert fleet.taking() == {fleet.first.id}
    filler.unlink()
    with transaction.atomic():
        build_changes.again(build, "system", becomes_current=True)
    assert fleet.ended(script).state == BuildState.READY
    assert (fleet.current(script), fleet.answer(api)) == (2, (200, "1.0"))
