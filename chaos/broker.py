"""A broker that restarts, freezes, forgets everything or is full."""

import time
from collections.abc import Sequence
from functools import partial

from chaos.report import ReportRow
from chaos.trial import during, stand_still
from testbed.publishing import Publisher
from testbed.stack import Stack


def restarts(stack: Stack, publish: Publisher, *, times: int, quick: int, limit: float) -> list[ReportRow]:
    """`times` restarts under load, `quick` of them within three seconds; then a trigger succeeds within 15 s."""

    def fault() -> None:
        for number in range(times):
            _restart(stack)
            is_quick = number < quick - 1
            time.sleep(0.3 if is_quick else 3.0)

    return during(stack, publish, f"broker: {times} restarts, {quick} within 3 s", fault, limit)


def freeze(stack: Stack, publish: Publisher, *, seconds: Sequence[float], limit: float) -> list[ReportRow]:
    """The broker freezes for each of `seconds` in turn."""
    return [
        row
        for each in seconds
        for row in during(
            stack, publish, f"broker: frozen for {each:g} s", partial(stand_still, stack.redis, each), limit
        )
    ]


def flush(stack: Stack, publish: Publisher, *, times: int, limit: float) -> list[ReportRow]:
    """The broker forgets everything, `times` in a row."""

    def fault() -> None:
        for _ in range(times):
            with stack.redis_client() as client:
                client.flushall()
            time.sleep(2.5)

    return during(stack, publish, f"broker: {times} FLUSHALL under load", fault, limit)


def full(stack: Stack, publish: Publisher, *, seconds: float, limit: float) -> list[ReportRow]:
    """The broker's memory is full: what it cannot take is refused at once, what runs is answered."""

    def fault() -> None:
        with stack.redis_client() as client:
            before = client.config_get("maxmemory")["maxmemory"]
            client.config_set("maxmemory", 1)
            time.sleep(seconds)
            client.config_set("maxmemory", before)

    return during(stack, publish, "broker: memory full (noeviction)", fault, limit)


def outage(stack: Stack, publish: Publisher, *, seconds: float, limit: float) -> list[ReportRow]:
    """The broker is away for `seconds`."""

    def fault() -> None:
        stack.stop_redis()
        time.sleep(seconds)
        stack.redis = stack.start_redis()

    return during(stack, publish, f"broker: away for {seconds:g} s", fault, limit)


def _restart(stack: Stack) -> None:
    stack.redis.kill()
    stack.redis.wait(10)
    stack.redis = stack.start_redis()
