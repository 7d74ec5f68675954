"""What the caller of a rogue gets and what its maintainer reads, through the whole stack."""

import re

import pytest

from hosts.jobs import Outcome
from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error
from tests.hosts.rogue.collection import ROGUES

CASES = {
    "8 GB at once": (12, "MemoryError"),
    "os._exit": (12, "exit status 3"),
    "abort": (12, "SIGABRT"),
    "segfault": (12, "SIGSEGV"),
    "deep recursion in C": (12, "SIGSEGV"),
    "sys.exit": (12, "sys.exit(0)"),
    "raise": (12, "ValueError: why"),
    "threads without end": (12, "can't start new thread"),
    "endless loop": (12, "time limit of 1 s"),
    "a generator": (13, "generator"),
    "NaN": (13, "float"),
}


@pytest.mark.parametrize("rogue", [rogue for rogue in ROGUES if rogue.name in CASES], ids=lambda rogue: rogue.name)
def test_the_caller_gets_a_number_and_the_maintainer_the_reason(stack, publish, rogue):
    code, says = CASES[rogue.name]
    api = publish(rogue.source, timeout_seconds=1 if rogue.outcome is Outcome.TIMED_OUT else 20)
    answer = api.call(stack.client)
    assert_error(answer, code)
    assert "line" not in answer.text and "Traceback" not in answer.text and "script" not in answer.text
    used = api.definition.script
    script = f'script={used.pk} version={used.current_version} name="{used.name}"'
    failure = re.compile(rf"trigger=\S+ [A-Z]\w+ {re.escape(script)}: (.*)", re.DOTALL)
    wait_until(lambda: failure.search(stack.log_text("manager.log")), what="the reason in the log")
    (reason,) = failure.findall(stack.log_text("manager.log"))
    assert says in reason
    assert rogue.shows in reason


@pytest.mark.parametrize("reuse", ["warm", "fresh"])
def test_a_new_version_is_used_from_the_next_trigger_on(stack, publish, reuse):
    source = "from automation.sdk import *\ndef on_api_trigger(engine, request): return ApiTriggerOutput(200, '%s')"
    api = publish(source % 1, reuse=reuse)
    script = api.definition.script
    for number in range(1, 6):
        assert {api.call(stack.client).text for _ in range(3)} == {str(number)}
        script.source = source % (number + 1)
        script.save()


def test_the_memory_limit_of_a_script_is_its_own(stack, publish):
    source = (
        "from automation.sdk import *\ndef on_api_trigger(e, r): return ApiTriggerOutput(200, str(len(bytes(2**28))))"
    )
    assert publish(source).call(stack.client).text == str(2**28)
    assert_error(publish(source, memory_limit_mb=128).call(stack.client), 12)
