"""A build that does not end fails in time, and callers keep what they have."""

import psutil

from automation.builds import BuildState
from tests.fleet.builds.conftest import BUILD_SECONDS, source_of


def test_build_that_does_not_end_fails_in_time(fleet):
    for name in ("quick", "endless"):
        fleet.wheels.add(name)
    api = fleet.ready("quick")
    script = api.definition.script
    with fleet.index.holding("/endless-1.0-py3-none-any.whl") as reached:
        fleet.save(script, source_of("endless"))
        assert reached.wait(30)
        builds = fleet.first.builds()
        build = fleet.ended(script, 2 * BUILD_SECONDS)
        message = f"The build has not ended within {BUILD_SECONDS} seconds (UDAPI_BUILD_TIMEOUT_SECONDS)."
        assert (build.state, build.message) == (BuildState.FAILED, message)
        _, left = psutil.wait_procs(builds, timeout=60)
        assert not left
    assert fleet.answer(api) == (200, "1.0")
