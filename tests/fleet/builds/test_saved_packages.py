"""Scripts with packages, from the save to the answer, on a real node."""

from automation.builds import BuildState, NodeEnvironment
from objects.changes import save_checked

SOURCE = """
# /// script
# dependencies = [
#   "{dependency}",
# ]
# ///
import {module}
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=f"{{{module}.version}}{text}")
"""


def source_of(dependency: str, module: str, text: str = "") -> str:
    return SOURCE.format(dependency=dependency, module=module, text=text)


def test_script_runs_with_its_packages_once_its_version_is_built(fleet):
    fleet.wheels.add("plainpkg", version="1.0", requires=["plaindep"])
    fleet.wheels.add("plaindep")
    fleet.wheels.add("plainpkg", version="2.0")
    api = fleet.publish(source_of("plainpkg<2", "plainpkg"))
    script = api.definition.script
    assert (script.current_version, script.pending_version) == (None, 1)
    answer = api.call(fleet.stack.client)
    assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (500, 15)
    build = fleet.ended(script)
    assert (build.state, build.message) == (BuildState.READY, "")
    assert build.lock is not None
    assert build.lock.packages == [["plaindep", "1.0"], ["plainpkg", "1.0"]]
    script.refresh_from_db()
    assert (script.current_version, script.pending_version) == (1, None)
    answer = api.call(fleet.stack.client)
    assert (answer.status_code, answer.text) == (200, "1.0")
    environment = NodeEnvironment.objects.get(lock=build.lock)
    assert environment.state == BuildState.READY
    assert set(build.lock.modules or ()) == {"plainpkg", "plaindep"}

    # A newer version with the same packages keeps their lock, and is current at once.
    script.source = source_of("plainpkg<2", "plainpkg", " again")
    save_checked(script, "system")
    assert (script.current_version, script.pending_version) == (2, None)
    assert api.call(fleet.stack.client).text == "1.0 again"

    # One that cannot be built changes nothing for callers.
    script.source = source_of("plainpkg>3", "plainpkg", " never")
    save_checked(script, "system")
    build = fleet.ended(script)
    assert build.state == BuildState.FAILED
    assert build.message.startswith("No versions fit together. Because only plainpkg<=2.0 is available")
    assert build.line == 4
    assert api.call(fleet.stack.client).text == "1.0 again"
