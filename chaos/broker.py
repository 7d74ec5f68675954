"""Redis restarts, freezes, loses everything, or is full."""

import time
from collections.abc import Sequence
from functools import partial

from chaos.rows import ReportRow
from chaos.trial import Trial, suspend
from testbed.stack import Stack


def restarts(trial: Trial, *, times: int, quick: int) -> list[ReportRow]:
    """Redis restarts `times` in a row under load, the first `quick` times within three seconds."""

    def fault() -> None:
        for number in range(times):
            _restart(trial.stack)
            time.sleep(0.3 if number < quick - 1 else 3.0)

    return trial.during(f"broker: {times} restarts, {quick} within 3 s", fault)


def freeze(trial: Trial, *, seconds: Sequence[float]) -> list[ReportRow]:
    """Redis freezes for each of `seconds` in turn."""
    return [
        row
        for each in seconds
        for row in trial.during(f"broker: frozen for {each:g} s", partial(suspend, trial.stack.redis, each))
    ]


def flush(trial: Trial, *, times: int) -> list[ReportRow]:
    """Redis loses everything, `times` in a row."""

    def fault() -> None:
        for _ in range(times):
            with trial.stack.redis_client() as client:
                client.flushall()
            time.sleep(2.5)

    return trial.during(f"broker: {times} FLUSHALL under load", fault)


def full(trial: Trial, *, seconds: float) -> list[ReportRow]:
    """Redis has no memory left: new triggers are refused at once, running ones are answered."""

    def fault() -> None:
        with trial.stack.redis_client() as client:
            before = client.config_get("maxmemory")["maxmemory"]
            client.config_set("maxmemory", 1)
            time.sleep(seconds)
            client.config_set("maxmemory", before)

    return trial.during("broker: memory full (noeviction)", fault)


def outage(trial: Trial, *, seconds: float) -> list[ReportRow]:
    """Redis is down for `seconds`."""

    def fault() -> None:
        trial.stack.stop_redis()
        time.sleep(seconds)
        trial.stack.redis = trial.stack.start_redis()

    return trial.during(f"broker: down for {seconds:g} s", fault)


def _restart(stack: Stack) -> None:
    stack.redis.kill()
    stack.redis.wait(10)
    stack.redis = stack.start_redis()
