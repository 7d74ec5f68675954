"""Redis falls back to older data: it is restored from a snapshot, or a replica that lags takes its place."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos.rows import ReportRow
from chaos.trial import Trial
from fleet import redis_keys
from testbed.stack import Stack, wait_until
from testbed.tcp_proxy import TcpProxy

USUAL_SAVE = "3600 1 300 100 60 10000"
# From the snapshot to the end of Redis, so that the jobs that waited have run by then.
_LATER_SECONDS = 1.5
# Enough waiting jobs that some are left when the snapshot is made.
_WAITING = 6


def snapshot(trial: Trial, *, times: int) -> list[ReportRow]:
    """Redis saves while jobs wait and run, is killed later, and starts with what it saved."""
    return _repeated(trial, f"snapshot: Redis restored from it, {times} times", _restore, times)


def replica(trial: Trial, *, times: int) -> list[ReportRow]:
    """A replica falls behind while jobs wait and run. Later Redis is killed, and the replica takes its place."""
    return _repeated(trial, f"replica: a lagging one promoted, {times} times", _fail_over, times)


def _restore(stack: Stack) -> None:
    with stack.redis_client() as redis:
        file = Path(redis.config_get("dir")["dir"]) / "dump.rdb"
        redis.config_set("save", USUAL_SAVE)
        _wait_for_waiting(redis)
        redis.bgsave()
        wait_until(lambda: not redis.info("persistence")["rdb_bgsave_in_progress"], 10, "a snapshot")
    _kill_later(stack)
    stack.redis = stack.start_redis()
    file.unlink()


def _fail_over(stack: Stack) -> None:
    network = TcpProxy(str(stack.data.redis_socket))
    try:
        with stack.redis_client() as redis:
            redis.config_set("repl-diskless-sync-delay", 0)
        successor, socket = stack.start_replica(network.port)
        with stack.redis_client(socket=socket) as redis:
            wait_until(lambda: socket.exists() and _is_synchronous(redis), 15, "a replica")
            _wait_for_waiting(redis)
            network.is_silent = True
            _kill_later(stack)
            redis.replicaof("NO", "ONE")
        os.replace(socket, stack.data.redis_socket)
        stack.redis = successor
    finally:
        network.close()


def _kill_later(stack: Stack) -> None:
    time.sleep(_LATER_SECONDS)
    stack.redis.kill()
    stack.redis.wait()


def _wait_for_waiting(redis: Any) -> None:
    wait_until(lambda: len(redis.keys(redis_keys.ticket("*"))) >= _WAITING, 15, "jobs that wait")


def _is_synchronous(replica: Any) -> bool:
    return bool(replica.info("replication").get("master_link_status") == "up")


def _repeated(trial: Trial, name: str, roll_back: Callable[[Stack], None], times: int) -> list[ReportRow]:
    """The rows of a fault that brings old tickets back, `times` in a row."""
    old: list[int] = []

    def fault() -> None:
        for _ in range(times):
            roll_back(trial.stack)
            old.append(_old_tickets(trial.stack))
            time.sleep(1.0)

    rows = trial.during(name, fault)
    return [*rows, ReportRow("  old tickets came back", times, sum(count > 0 for count in old), note=f"{old} tickets")]


def _old_tickets(stack: Stack) -> int:
    """How many tickets were written before Redis last started."""
    with stack.redis_client() as redis:
        life = redis.info("server")["run_id"].encode()
        tickets = redis.keys(redis_keys.ticket("*"))
        return sum(redis.hget(each, "life") not in (life, None) for each in tickets)
