"""Processes die while triggers run: each answered trigger that has reached a node leaves exactly one run."""

import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence

from django.db import Error as DatabaseError
from django.db import connections

from chaos.callers import CLOSED, CallerLoad, CallResult, successes
from chaos.marks import Marks
from chaos.process_kills import KilledFleet
from chaos.rows import ReportRow, answered_row
from chaos.trial import Trial
from fleet import redis_keys
from fleet.records import RunStatus
from runs.gaps import PATIENCE_SECONDS
from runs.models import Run
from testbed.postgresql import PostgresqlServer
from testbed.stack import Stack, wait_until

CALLERS = 24
STORED_WITHIN_SECONDS = 90
"""A killed background program holds its lease for 20 seconds."""


class KilledMachine(KilledFleet):
    """A fleet whose background program and PostgreSQL server can be killed, too. All are started again."""

    def __init__(self, stack: Stack, server: PostgresqlServer | None) -> None:
        self._background, self._server = stack.start_background(), server
        super().__init__(stack)

    @property
    def kinds(self) -> Sequence[str]:
        return ("background", "worker", "web", *(["database"] if self._server else []))

    def kill_background(self, _: random.Random) -> bool:
        self._background.kill()
        self._background.wait()
        self._background = self._stack.start_background()
        return True

    def kill_database(self, _: random.Random) -> bool:
        if self._server:
            self._server.kill()
            time.sleep(0.5)
            self._server.start()
        return True

    def end(self) -> None:
        self._background.terminate()
        self._background.wait(30)
        super().end()


def kills(
    trial: Trial, *, triggers: int, kills: int, server: PostgresqlServer | None = None, seed: int = 1
) -> list[ReportRow]:
    """`triggers` triggers, while `kills` processes are killed one after the other."""
    stack, chance = trial.stack, random.Random(seed)
    machine = KilledMachine(stack, server)
    try:
        with Marks(stack.state_dir) as marks:
            load = CallerLoad(stack.url, trial.publish(marks.source), triggers, query="?seconds=0.02")
            with load.going_on(CALLERS):
                for number in range(kills):
                    threshold = triggers * (number + 1) // (kills + 1)
                    wait_until(lambda: len(load.answers) >= threshold or load.is_over, 600, "callers")  # noqa: B023
                    kind = machine.kinds[number % len(machine.kinds)]
                    wait_until(lambda: getattr(machine, f"kill_{kind}")(chance), 30, kind)  # noqa: B023
                wait_until(lambda: load.is_over, 900, "the last callers")
            name = f"killed {kills}: {', '.join(machine.kinds)}"
            others = [answer for answer in load.answers if answer.result != CLOSED]
            return [answered_row(name, others, trial.limit), *run_rows(stack, load.answers, marks)]
    finally:
        machine.end()


def wait_until_stored(stack: Stack) -> None:
    """Wait until the background program has stored every record."""
    with stack.redis_client() as redis:
        wait_until(lambda: not redis.xlen(redis_keys.records()), STORED_WITHIN_SECONDS, "stored records")
    # Records that wait in a process reach Redis within a second.
    time.sleep(1.5)
    with stack.redis_client() as redis:
        wait_until(lambda: not redis.xlen(redis_keys.records()), STORED_WITHIN_SECONDS, "stored records")


def store_patiently(stack: Stack) -> None:
    """Wait until the background program has stored every record, and has counted what is missing."""
    wait_until_stored(stack)
    time.sleep(PATIENCE_SECONDS + 5)


def stored_runs(ids: Sequence[str]) -> dict[str, Run]:
    """The runs that are stored of these."""
    keys = [uuid.UUID(each) for each in ids]
    try:
        return {str(run.pk): run for run in Run.objects.filter(pk__in=keys)}
    except DatabaseError:
        # The connection is from before the server was killed.
        connections.close_all()
        return {str(run.pk): run for run in Run.objects.filter(pk__in=keys)}


def run_rows(stack: Stack, answers: Sequence[CallResult], marks: Marks) -> list[ReportRow]:
    """Whether the stored runs are what the callers heard, and no trigger ran twice."""
    wait_until_stored(stack)
    answered = {answer.trigger_id: answer for answer in answers if answer.trigger_id}
    found = stored_runs(list(answered))
    reached = [answer for answer in answered.values() if has_reached_a_node(answer)]
    missing = [answer for answer in reached if answer.trigger_id not in found]
    untrue = [run for key, run in found.items() if not is_as_heard(run, answered[key])]
    ran = marks.runs()
    note = ", ".join(f"{run.pk} {run.status} {answered[str(run.pk)].result}" for run in untrue[:3])
    return [
        ReportRow("  a run for each that reached a node", len(reached), len(reached) - len(missing), note=_of(missing)),
        ReportRow("  status as the caller heard it", len(found), len(found) - len(untrue), note=note),
        ReportRow("  no trigger ran twice", sum(ran.values()), len(ran)),
    ]


def has_reached_a_node(answer: CallResult) -> bool:
    """A caller who hears 8 may have been refused before the trigger was handed over."""
    return answer.is_success or "may have been executed" in answer.text or answer.result == "500 code 12"


def is_as_heard(run: Run, answer: CallResult) -> bool:
    if answer.is_success:
        return (run.status, run.response_code) == (RunStatus.SUCCEEDED, 200)
    statuses: Mapping[str, RunStatus] = {
        "500 code 12": RunStatus.FAILED,
        "500 code 8": RunStatus.FAILED,
        "500 code 1001": RunStatus.NEVER_STARTED if answer.is_safe_to_repeat else RunStatus.UNANSWERED,
    }
    code = json.loads(answer.text)["errors"][0]["errorCode"]
    return run.error_code == code and run.status == statuses.get(answer.result, RunStatus.REFUSED)


def _of(answers: Sequence[CallResult]) -> str:
    return ", ".join(f"{answer.trigger_id} {answer.heard}" for answer in answers[:3])


def succeeded(answers: Sequence[CallResult]) -> list[str]:
    """The ids of the triggers that were answered by the script."""
    return [answer.trigger_id for answer in successes(answers)]
