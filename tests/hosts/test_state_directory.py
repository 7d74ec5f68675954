"""The state directory, in which scripts keep files between runs: one for all scripts and nodes of a machine."""

import stat

from hosts.jobs import Outcome
from hosts.script_hosts import ScriptHosts
from tests.hosts.conftest import Bench

COUNT = """
import os
from pathlib import Path
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    file = Path(os.environ["STATE_DIRECTORY"], "count")
    number = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(number))
    return ApiTriggerOutput(response_body=str(number))
"""


def test_state_directory_is_shared_by_the_nodes_of_a_machine(breakable_stack, publish):
    stack, kept = breakable_stack, breakable_stack.state_dir
    api = publish(COUNT)
    assert [api.call(stack.client).text for _ in range(2)] == ["1", "2"]
    with stack.another_worker():
        stack.stop_worker()
        assert api.call(stack.client).text == "3"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_state_directory_is_the_only_variable_that_depends_on_the_worker(tmp_path):
    state = tmp_path / "state"
    hosts = ScriptHosts(tmp_path, state_dir=state)
    hosts.start()
    try:
        ran = Bench(hosts, str(tmp_path)).run("import os\ndef run(engine): print(sorted(os.environ.items()))")
        assert ran.outcome is Outcome.SUCCEEDED
        assert f"('STATE_DIRECTORY', '{state}')" in ran.lines[0]
        assert ran.lines[0].count("('") == 7
    finally:
        hosts.stop()
