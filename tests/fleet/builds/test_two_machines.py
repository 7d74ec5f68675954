"""A version becomes current when every machine that takes triggers has its packages, and not before."""

import time

import pytest
from django.db import transaction

from automation import build_changes
from automation.builds import BuildState, NodeEnvironment
from testbed.package_index import PackageIndex
from testbed.stack import wait_until
from tests.fleet.builds.conftest import BuildFleet, BuildMachine, source_of


@pytest.fixture(scope="module")
def running_second(running_build_fleet, tmp_path_factory):
    _, fleet = running_build_fleet
    with PackageIndex(fleet.wheels.directory) as index:
        machine = fleet.begin(tmp_path_factory.mktemp("second") / "data", UDAPI_PACKAGE_INDEX_URL=index.url)
        wait_until(lambda: machine.id in fleet.taking(), what="a second machine")
        yield machine, index
        machine.end()


@pytest.fixture
def other(running_second) -> PackageIndex:
    """The index of the second machine."""
    index: PackageIndex = running_second[1]
    return index


@pytest.fixture
def second(fleet: BuildFleet, running_second) -> BuildMachine:
    """The second machine; both take triggers."""
    machine: BuildMachine = running_second[0]
    fleet.wait_for(fleet.first, machine)
    return machine


def stays(fleet: BuildFleet, api, seconds: float, answer: str) -> None:
    """Asserts that version 1 stays current, and that callers get it."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        assert fleet.answer(api) == (200, answer)
        assert fleet.current(api.definition.script) == 1
        time.sleep(0.2)


def test_version_waits_for_the_slower_machine(fleet, second, other):
    for version in ("1.0", "2.0"):
        fleet.wheels.add("both", version=version)
    api = fleet.ready(both="1.0")
    script = api.definition.script
    with other.holding("/both-2.0-py3-none-any.whl") as reached:
        fleet.save(script, source_of(both="2.0"))
        assert reached.wait(30)
        wait_until(lambda: fleet.first.has(fleet.build(script)), what="one of two environments")
        stays(fleet, api, 1.5, "1.0")
        # A Redis that has lost everything does not know yet which nodes there are.
        fleet.stack.redis.kill()
        fleet.stack.redis.wait()
        fleet.stack.redis = fleet.stack.start_redis()
        fleet.wait_for(fleet.first, second)
        stays(fleet, api, 8, "1.0")
        assert fleet.build(script).is_going_on
    assert fleet.ended(script).state == BuildState.READY
    assert {fleet.answer(api) for _ in range(10)} == {(200, "2.0")}


def test_machine_that_hung_builds_before_it_takes_triggers_again(fleet, second, other):
    for version in ("1.0", "2.0"):
        fleet.wheels.add("hung", version=version)
    api = fleet.ready(hung="1.0")
    script = api.definition.script
    with other.holding("/hung-2.0-py3-none-any.whl") as reached:
        with second.stopped():
            fleet.save(script, source_of(hung="2.0"))
            wait_until(lambda: fleet.first.has(fleet.build(script)), what="one of two environments")
            # The fleet gives it up when its heartbeat ends.
            assert fleet.ended(script).state == BuildState.READY
            assert fleet.taking() == {fleet.first.id}
            ran = second.ran()
        answers = set()
        while not reached.is_set():
            answers.add(fleet.answer(api))
            time.sleep(0.02)
        fleet.wait_for(fleet.first)
        answers |= {fleet.answer(api) for _ in range(10)}
        assert (answers, second.ran()) == ({(200, "2.0")}, ran)
    fleet.wait_for(fleet.first, second)
    wait_until(lambda: fleet.answer(api) == (200, "2.0") and second.ran() > ran, what="a run on that machine")


def test_machine_that_cannot_build_stays_out_until_it_can(fleet, second, other):
    for version in ("1.0", "2.0"):
        fleet.wheels.add("partial", version=version)
    api = fleet.ready(partial="1.0")
    script, wheel = api.definition.script, "partial-2.0-py3-none-any.whl"
    other.withdrawn.add(wheel)
    fleet.save(script, source_of(partial="2.0"))
    build = fleet.ended(script)
    assert (build.state, fleet.current(script)) == (BuildState.READY, 2)
    fleet.wait_for(fleet.first)
    ran = second.ran()
    assert {fleet.answer(api) for _ in range(10)} == {(200, "2.0")}
    assert second.ran() == ran
    row = NodeEnvironment.objects.get(lock=build.lock, node_id=second.id)
    assert "HTTP status client error (404 Not Found)" in row.message
    assert f"node={second.id} lacks packages: no triggers" in (second.root / "logs" / "manager.log").read_text()
    other.withdrawn.clear()
    # It tries again every 30 seconds.
    fleet.wait_for(fleet.first, second)
    wait_until(lambda: fleet.answer(api) == (200, "2.0") and second.ran() > ran, what="a run on that machine")


def test_version_that_no_machine_can_build_fails_until_it_is_built_again(fleet, second, other):
    for version in ("1.0", "2.0"):
        fleet.wheels.add("gone", version=version)
    api = fleet.ready(gone="1.0")
    script, wheel = api.definition.script, "gone-2.0-py3-none-any.whl"
    for index in (fleet.index, other):
        index.withdrawn.add(wheel)
    fleet.save(script, source_of(gone="2.0"))
    build = fleet.ended(script)
    assert build.state == BuildState.FAILED
    assert "HTTP status client error (404 Not Found)" in build.message
    assert {fleet.answer(api) for _ in range(10)} == {(200, "1.0")}
    assert fleet.taking() == {fleet.first.id, second.id}
    for index in (fleet.index, other):
        index.withdrawn.clear()
    with transaction.atomic():
        build_changes.again(build, "system", becomes_current=True)
    assert fleet.ended(script).state == BuildState.READY
    assert {fleet.answer(api) for _ in range(10)} == {(200, "2.0")}
