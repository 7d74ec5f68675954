"""Everything breaks while triggers run: what callers heard, the stored runs and the counters say the same.

Except for what is counted as not kept.
"""

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
from django.contrib.auth.models import Permission, User
from django.db.models import Sum
from redis import RedisError

from chaos.callers import CLOSED, CallerLoad, CallResult
from chaos.rows import ReportRow, answered_row, check_row
from chaos.run_buffer import not_kept, refused_writes
from chaos.runs import KilledMachine, has_reached_a_node, is_as_heard, stored_runs
from chaos.trial import Trial, suspend
from fleet import redis_keys
from fleet.records import Authority, RunStatus
from keys.changes import create_key
from runs.models import Run, RunCounter
from runs.statistics.figures import COUNTED
from runs.statistics.models import StoredStep
from testbed.agreement import assert_counters_match_runs
from testbed.postgresql import PostgresqlServer
from testbed.publisher import Api
from testbed.stack import Stack, wait_until

CALLERS = 24
_STOPPED_SECONDS = 3.0
_GIVES_UP_SECONDS = 0.3
_AGAIN_SECONDS = 1.0
_SOURCE = """
import time
from automation.sdk import ApiError, ApiTriggerOutput

def on_api_trigger(engine, request):
    place = int(request.raw_body.rpartition("-")[2]) % 50
    if place == 10:
        raise RuntimeError("broken")
    if place == 20:
        raise ApiError(409, "Not now.")
    if place == 30:
        raise ApiError(503, "Not here.")
    time.sleep({40: 3.0, 45: 0.8}.get(place, 0.01))
    return ApiTriggerOutput(response_body=request.raw_body)
"""
_BY_SCRIPT = {
    "409 without a code": (RunStatus.SUCCEEDED, 409),
    "503 without a code": (RunStatus.FAILED, 503),
    "500 code 2007": (RunStatus.CANCELLED, None),
}
"""What a caller hears of some runs → status and response code of the run."""


def agreement(
    trial: Trial,
    *,
    triggers: int,
    faults: int,
    store: Callable[[Stack], None],
    server: PostgresqlServer | None = None,
    seed: int = 1,
) -> list[ReportRow]:
    """`triggers` triggers, while `faults` faults happen one after the other; `store` stores what they leave."""
    stack, chance = trial.stack, random.Random(seed)
    machine = KilledMachine(stack, server)
    causes = [*_faults(stack, machine, chance, server)]
    lost_before, _ = not_kept()
    try:
        api = trial.publish(_SOURCE)
        load = CallerLoad(stack.url, api, triggers)
        with _giving_up(stack, api), _cancelling(stack, api), load.going_on(CALLERS):
            for number in range(faults):
                threshold = triggers * (number + 1) // (faults + 1)
                wait_until(lambda: len(load.answers) >= threshold or load.is_over, 900, "callers")  # noqa: B023
                causes[number % len(causes)]()
            wait_until(lambda: load.is_over, 900, "the last callers")
        store(stack)
    finally:
        machine.end()
    # Redis may stop, and then be gone.
    limit = trial.limit + 2 * _STOPPED_SECONDS
    answered = answered_row(f"statistics, {faults} faults", _heard(load.answers), limit)
    return [answered, *_rows(api, load.answers, not_kept()[0] - lost_before)]


def _faults(
    stack: Stack, machine: KilledMachine, chance: random.Random, server: PostgresqlServer | None
) -> Iterator[Callable[[], object]]:
    yield lambda: machine.kill_worker(chance)
    yield lambda: suspend(stack.redis, _STOPPED_SECONDS)
    yield lambda: _refuse_writes(server)
    yield lambda: _kill_redis(stack)
    yield lambda: wait_until(lambda: machine.kill_web(chance), 30, "a web server")
    yield lambda: machine.kill_background(chance)
    if server:
        yield lambda: machine.kill_database(chance)


def _refuse_writes(server: PostgresqlServer | None) -> None:
    with refused_writes(server):
        time.sleep(_STOPPED_SECONDS)


def _kill_redis(stack: Stack) -> None:
    stack.redis.kill()
    stack.redis.wait(10)
    stack.redis = stack.start_redis()


@contextmanager
def _repeated(action: Callable[[int], None]) -> Iterator[None]:
    """Do something again and again during the `with` block."""
    over = threading.Event()

    def repeat() -> None:
        number = 0
        while not over.wait(_AGAIN_SECONDS):
            # Whatever is broken at the moment.
            with contextlib.suppress(OSError, http.client.HTTPException, httpx.HTTPError, RedisError):
                action(number)
            number += 1

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _giving_up(stack: Stack, api: Api) -> contextlib.AbstractContextManager[None]:
    """Callers who do not wait for the end of a run that takes long."""
    address = urlsplit(stack.url)

    def give_up(number: int) -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_GIVES_UP_SECONDS)
        with contextlib.closing(connection):
            headers = api.headers | {"Content-Type": "text/plain"}
            connection.request("POST", api.path, f"gone-{number * 50 + 45}".encode(), headers)
            connection.getresponse()

    return _repeated(give_up)


@contextmanager
def _cancelling(stack: Stack, api: Api) -> Iterator[None]:
    """Somebody cancels runs that take long."""
    user = User.objects.create_user(f"canceller of {api.definition.route}")
    user.user_permissions.set(Permission.objects.all())
    _, key = create_key(user, "canceller", 1)
    headers = {"Authorization": f"Token {key}"}

    with httpx.Client(base_url=stack.url, headers=headers, timeout=10) as client, stack.redis_client() as redis:

        def cancel(_: int) -> None:
            for run_id in redis.hkeys(redis_keys.live_runs())[:1]:
                client.delete(f"/api/management/runs/{run_id.decode()}/")

        with _repeated(cancel):
            yield
    user.delete()


def _heard(answers: Sequence[CallResult]) -> list[CallResult]:
    """Without those whose web server was killed, and as if each answer of the script were a success."""
    return [answer for answer in answers if answer.result != CLOSED and answer.result not in _BY_SCRIPT]


def _rows(api: Api, answers: Sequence[CallResult], lost: int) -> list[ReportRow]:
    answered = {answer.trigger_id: answer for answer in answers if answer.trigger_id}
    # Of a run that was seen while it went on, the end may be what is not kept.
    found = {key: run for key, run in stored_runs(list(answered)).items() if run.authority != Authority.PRESUMED}
    untrue = [run for key, run in found.items() if not _is_true(run, answered[key])]
    note = ", ".join(f"{run.pk} {run.status} {answered[str(run.pk)].heard}" for run in untrue[:3])
    reached = [key for key, answer in answered.items() if has_reached_a_node(answer) or answer.result in _BY_SCRIPT]
    missing = len(set(reached) - found.keys())
    return [
        ReportRow("  runs say what their callers heard", len(found), len(found) - len(untrue), note=note),
        check_row("  missing runs are counted", missing <= lost, note=f"{missing} missing, {lost} counted"),
        *_counter_rows(api, Counter(_told(answered[key]) for key in found), list(found)),
    ]


def _counter_rows(api: Api, told: "Counter[str]", heard: Sequence[str]) -> list[ReportRow]:
    runs = Run.objects.filter(definition_id=api.definition.pk)
    stored = Counter(runs.values_list("status", flat=True))
    others = Counter(runs.exclude(pk__in=heard).values_list("status", flat=True))
    counted = _counted(api)
    # Too many counted runs are as wrong as too few.
    right = (stored & counted).total() - (counted - stored).total()
    return [
        check_row("  runs of callers and of those who left", told + others == stored, note=_shown(told)),
        check_row("  counted in each step", _agree(), note=f"who left: {_shown(others)}"),
        ReportRow("  counters say what the runs say", stored.total(), right, note=_shown(counted)),
    ]


def _is_true(run: Run, answer: CallResult) -> bool:
    expected = _BY_SCRIPT.get(answer.result)
    return (run.status, run.response_code) == expected if expected else is_as_heard(run, answer)


def _told(answer: CallResult) -> str:
    """The status that the run of an answer has."""
    if answer.result in _BY_SCRIPT:
        return str(_BY_SCRIPT[answer.result][0])
    by_code = {"200": RunStatus.SUCCEEDED, "500 code 12": RunStatus.FAILED, "500 code 8": RunStatus.FAILED}
    if answer.result == "500 code 1001":
        return str(RunStatus.NEVER_STARTED if answer.is_safe_to_repeat else RunStatus.UNANSWERED)
    return str(by_code.get(answer.result, RunStatus.REFUSED))


def _counted(api: Api) -> "Counter[str]":
    rows = RunCounter.objects.filter(series__definition_id=api.definition.pk, step=StoredStep.DAY)
    found = rows.aggregate(**{f"sum_{column}": Sum(column) for column in COUNTED.values()})
    return Counter({str(status): found[f"sum_{column}"] or 0 for status, column in COUNTED.items()})


def _agree() -> bool:
    try:
        assert_counters_match_runs()
    except AssertionError as error:
        print(error)
        return False
    return True


def _shown(counts: "Counter[str]") -> str:
    return ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()) if count)
