"""A worker that is killed in the middle of a build leaves nothing half done, and its successor goes on."""

import psutil

from automation.builds import Build, BuildState, NodeEnvironment
from hosts.environments import MARKER
from tests.fleet.builds.conftest import source_of


def test_build_goes_on_after_the_worker_was_killed(fleet):
    fleet.wheels.add("before")
    before = fleet.ready("before")
    fleet.wheels.add("halfway", requires=["other"])
    fleet.wheels.add("other")
    script, store = before.definition.script, fleet.first.store
    known = fleet.build(script).lock.digest
    digests = {each.digest for each in store.listed()}

    with fleet.index.holding("/other-1.0-py3-none-any.whl") as reached:
        fleet.save(script, source_of("halfway", "other"))
        assert reached.wait(30)
        builds = fleet.first.builds()
        assert {each.name() for each in builds} >= {"uv"}
        fleet.stack.worker.kill()
        fleet.stack.worker.wait()
        _, left = psutil.wait_procs(builds, timeout=60)
        assert not left, "uv outlives its worker"
        assert {each.digest for each in store.listed()} == digests
        assert [each.name.partition("-")[0] for each in store.root.glob(".*")] == [".building"]
        build = fleet.build(script)
        assert build is not None and build.lock is not None
        assert (build.state, store.find(build.lock.digest)) == (BuildState.BUILDING, None)
    # What a fault of the disk leaves of a marker is not taken for an environment.
    (store.find(known) / MARKER).write_text("")
    fleet.stack.mend()
    assert fleet.ended(script).state == BuildState.READY
    assert fleet.answer(before) == (200, "1.0 1.0")
    assert not list(store.root.glob(".building*"))
    assert not NodeEnvironment.objects.exclude(state=BuildState.READY).exists()
    assert Build.objects.count() == 2
