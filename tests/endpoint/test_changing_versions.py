"""Triggers while their script changes: each runs a version that was current after its arrival, or the pinned one."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from automation.history import go_back
from automation.models import AutomationScript
from automation.source import contents_of
from automation.versions import ScriptVersion
from definitions.changes import save_definition
from objects.changes import save_checked
from testbed.publisher import Api
from testbed.stack import Stack

TRIGGERS, PINNED = 1_000, 100
CALLERS = 8
INTERVAL_SECONDS = 0.05
MOST_CHANGES = 1_000

# The clock of the machine, which runs alike in all processes.
NUMBERED = """
import json, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=json.dumps([{}, time.monotonic()]))
"""


@dataclass(frozen=True)
class Change:
    """A version became current at some moment between `begun` and `ended`."""

    number: int
    begun: float
    ended: float


@dataclass(frozen=True)
class Answered:
    """A trigger that arrived after `sent`, and the version that it ran, from `started` on."""

    status: int
    sent: float
    number: int = 0
    started: float = 0.0


@dataclass
class ScriptHistory:
    """The history of a script, which changes every 50 ms: mostly a new version, sometimes back to an older one."""

    script: AutomationScript
    made: list[Change] = field(default_factory=list)

    def next(self) -> None:
        begun, latest = time.monotonic(), max((change.number for change in self.made), default=0)
        if len(self.made) % 7 == 6:
            go_back(self.script, ScriptVersion.objects.get(script=self.script.pk, number=latest - 4))
        else:
            self.script.source = NUMBERED.format(latest + 1)
        save_checked(self.script, "system")
        self.made.append(Change(self.script.current_version or 0, begun, time.monotonic()))

    def allow(self, answer: Answered) -> bool:
        """Whether its version was current at some moment between its arrival and its start."""
        ends = [change.ended for change in self.made[1:]] + [float("inf")]
        return any(
            change.number == answer.number and change.begun <= answer.started and answer.sent <= end
            for change, end in zip(self.made, ends, strict=True)
        )


def _called(stack: Stack, api: Api) -> Answered:
    sent = time.monotonic()
    response = api.call(stack.client)
    return Answered(response.status_code, sent, *(json.loads(response.text) if response.is_success else ()))


def test_each_trigger_runs_a_version_that_was_current_between_its_arrival_and_its_start(stack, publish):
    # One process reads all the sources, as saving them takes longer otherwise.
    contents_of([NUMBERED.format(number) for number in range(1, MOST_CHANGES)])
    live, pinned = publish(NUMBERED.format(1)), publish()
    history = ScriptHistory(AutomationScript.objects.get(pk=live.definition.script_id))
    history.next()
    pinned.definition.script, pinned.definition.script_version = history.script, 1
    save_definition(pinned.definition, "system")
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = [callers.submit(_called, stack, live) for _ in range(TRIGGERS - PINNED)]
        fixed = [callers.submit(_called, stack, pinned) for _ in range(PINNED)]
        while not all(answer.done() for answer in (*answers, *fixed)) and len(history.made) < MOST_CHANGES:
            time.sleep(max(0.0, history.made[-1].begun + INTERVAL_SECONDS - time.monotonic()))
            history.next()
    assert {answer.result().status for answer in (*answers, *fixed)} == {200}
    wrong = [answer.result() for answer in answers if not history.allow(answer.result())]
    assert not wrong, (wrong[:3], history.made)
    assert {answer.result().number for answer in fixed} == {1}
    # The test would pass without changes.
    assert len({answer.result().number for answer in answers}) > 10
    assert any(later.number < earlier.number for earlier, later in zip(history.made, history.made[1:], strict=False))
