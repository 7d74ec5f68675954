"""A broker that restarts, falls silent, forgets everything or is full."""

import time
from collections.abc import Callable

from chaos.callers import Load, seconds_until_success
from chaos.marks import Marks
from chaos.report import Row, row
from tests.publishing import Publisher
from tests.stack import Stack, wait_until

CALLERS = 8
BACK_SECONDS = 15.0
_SCRIPT_SECONDS = "?seconds=0.05"


def restarts(stack: Stack, publish: Publisher, *, times: int, quick: int, limit: float) -> list[Row]:
    """`times` restarts under load, `quick` of them within three seconds; then a trigger succeeds within 15 s."""

    def fault() -> None:
        for number in range(times):
            _restart(stack)
            is_quick = number < quick - 1
            time.sleep(0.3 if is_quick else 3.0)

    return _during(stack, publish, f"broker: {times} restarts, {quick} within 3 s", fault, limit)


def pause(stack: Stack, publish: Publisher, *, seconds: float, limit: float) -> list[Row]:
    """The broker answers nobody for `seconds`."""

    def fault() -> None:
        with stack.redis_client() as client:
            client.execute_command("CLIENT", "PAUSE", int(seconds * 1_000), "ALL")
        time.sleep(seconds)

    return _during(stack, publish, f"broker: silent for {seconds:g} s", fault, limit)


def flush(stack: Stack, publish: Publisher, *, times: int, limit: float) -> list[Row]:
    """The broker forgets everything, `times` in a row."""

    def fault() -> None:
        for _ in range(times):
            with stack.redis_client() as client:
                client.flushall()
            time.sleep(2.5)

    return _during(stack, publish, f"broker: {times} FLUSHALL under load", fault, limit)


def full(stack: Stack, publish: Publisher, *, seconds: float, limit: float) -> list[Row]:
    """The broker's memory is full: what it cannot take is refused at once, what runs is answered."""

    def fault() -> None:
        with stack.redis_client() as client:
            before = client.config_get("maxmemory")["maxmemory"]
            client.config_set("maxmemory", 1)
            time.sleep(seconds)
            client.config_set("maxmemory", before)

    return _during(stack, publish, "broker: memory full (noeviction)", fault, limit)


def outage(stack: Stack, publish: Publisher, *, seconds: float, limit: float) -> list[Row]:
    """The broker is away for `seconds`."""

    def fault() -> None:
        stack.stop_redis()
        time.sleep(seconds)
        stack.redis = stack.start_redis()

    return _during(stack, publish, f"broker: away for {seconds:g} s", fault, limit)


def _restart(stack: Stack) -> None:
    stack.redis.kill()
    stack.redis.wait(10)
    stack.redis = stack.start_redis()


def _during(stack: Stack, publish: Publisher, name: str, fault: Callable[[], None], limit: float) -> list[Row]:
    with Marks(stack.state_dir) as marks:
        api = publish(marks.source)
        load = Load(stack.url, api, query=_SCRIPT_SECONDS, pause=0.05)
        with load.going_on(CALLERS):
            wait_until(lambda: len(load.answers) >= CALLERS, what="the first answers")
            fault()
            again = seconds_until_success(stack.url, api, BACK_SECONDS)
        answers = row(name, load.answers, limit, f"twice: {len(marks.twice())}")
        kept = answers.survived if not marks.twice() else 0
        return [
            Row(name, answers.tried, kept, answers.worst_seconds, answers.note),
            Row("  success again within 15 s", 1, int(again < BACK_SECONDS), again),
        ]
