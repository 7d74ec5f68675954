"""What nobody needs any more is built no further, at once; what everybody saves at once is built."""

from concurrent.futures import ThreadPoolExecutor

import psutil

from automation.builds import Build, BuildState, NodeEnvironment
from automation.models import AutomationScript
from testbed.stack import wait_until
from tests.endpoint.fakenode import NODE_ID, FakeNode
from tests.fleet.builds.conftest import source_of


def test_newer_version_ends_the_build_of_the_older_one(fleet):
    for name in ("older", "newer2"):
        fleet.wheels.add(name)
    api = fleet.ready("older")
    script = api.definition.script
    for end in ("/newer2-1.0-py3-none-any.whl.metadata", "/newer2-1.0-py3-none-any.whl"):
        with fleet.index.holding(end) as reached:
            older = fleet.save(script, source_of("newer2"))
            assert reached.wait(30)
            builds = fleet.first.builds()
            fleet.save(script, source_of("older"))
            _, left = psutil.wait_procs(builds, timeout=60)
            assert not left
            # Its packages are those that callers get: it needs no build.
            assert fleet.current(script) == fleet.build(script).version.number
            older.refresh_from_db()
            message = f"Version {script.current_version} took its place before it was ready."
            assert (older.state, older.message) == (BuildState.FAILED, message)
            wait_until(lambda: not NodeEnvironment.objects.exclude(state=BuildState.READY).exists(), what="no trace")
    assert fleet.answer(api) == (200, "1.0")


def test_deleted_script_is_built_no_further(fleet):
    fleet.wheels.add("deleted")
    script = fleet.publish.script(source_of("deleted"))
    with fleet.index.holding("/deleted-1.0-py3-none-any.whl") as reached:
        assert reached.wait(30)
        builds = fleet.first.builds()
        script.delete()
        _, left = psutil.wait_procs(builds, timeout=60)
        assert not left
    wait_until(lambda: not NodeEnvironment.objects.exists(), what="no trace")
    assert not Build.objects.exists()
    fleet.wheels.add("next")
    assert fleet.answer(fleet.ready("next")) == (200, "1.0")


def test_sixteen_scripts_saved_at_once_are_all_built(fleet):
    names = [f"many{number}" for number in range(8)]
    for name in names:
        fleet.wheels.add(name)
    with ThreadPoolExecutor(16) as authors:
        saved = authors.map(fleet.save_new, [source_of(name) for name in names for _ in range(2)])
        scripts: list[AutomationScript] = list(saved)
    for script in scripts:
        assert fleet.ended(script, 90).state == BuildState.READY
    assert {fleet.current(script) for script in scripts} == {1}
    assert len(NodeEnvironment.objects.all()) == 8


def test_node_of_an_earlier_release_makes_the_build_fail(fleet, monkeypatch):
    fleet.wheels.add("early")
    node = FakeNode(fleet.stack, monkeypatch)
    with fleet.index.holding("/simple/early/"):
        script = fleet.publish.script(source_of("early"))
        node.live()
        build = fleet.ended(script)
    node.die()
    assert (build.state, fleet.current(script)) == (BuildState.FAILED, None)
    assert build.message.startswith(f"Node {NODE_ID} runs an earlier release, which installs no packages.")
    assert (build.line, build.ended_at is not None) == (None, True)
