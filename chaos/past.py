"""A Redis that comes back with old data: from a snapshot, or as a replica that has fallen behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos.report import ReportRow
from chaos.trial import during
from fleet import redis_keys
from testbed.publishing import Publisher
from testbed.stack import Stack, wait_until
from testbed.tcp_proxy import TcpProxy

USUAL_SAVE = "3600 1 300 100 60 10000"
# From the snapshot to the end of Redis: what waited has run by then.
_LATER_SECONDS = 1.5
# How many jobs wait at first, so that some still do when the snapshot is made.
_WAITING = 6


def snapshot(stack: Stack, publish: Publisher, *, times: int, limit: float) -> list[ReportRow]:
    """Redis saves while jobs wait and run, is killed later, and comes back with what it saved."""
    with stack.redis_client() as redis:
        file = Path(redis.config_get("dir")["dir"]) / "dump.rdb"

    def back() -> None:
        with stack.redis_client() as redis:
            redis.config_set("save", USUAL_SAVE)
            _wait_for_waiting(redis)
            redis.bgsave()
            wait_until(lambda: not redis.info("persistence")["rdb_bgsave_in_progress"], 10, "a snapshot")
        time.sleep(_LATER_SECONDS)
        stack.redis.kill()
        stack.redis.wait()
        stack.redis = stack.start_redis()
        file.unlink()

    return _repeated(stack, publish, f"snapshot: Redis back from it, {times} times", back, times, limit)


def replica(stack: Stack, publish: Publisher, *, times: int, limit: float) -> list[ReportRow]:
    """A replica falls behind while jobs wait and run; Redis is killed later, and the replica takes its place."""
    return _repeated(
        stack, publish, f"replica: one that lags promoted, {times} times", lambda: _fail_over(stack), times, limit
    )


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
            time.sleep(_LATER_SECONDS)
            stack.redis.kill()
            stack.redis.wait()
            redis.replicaof("NO", "ONE")
        os.replace(socket, stack.data.redis_socket)
        stack.redis = successor
    finally:
        network.close()


def _wait_for_waiting(redis: Any) -> None:
    wait_until(lambda: len(redis.keys(redis_keys.ticket("*"))) >= _WAITING, 15, "jobs that wait")


def _is_synchronous(replica: Any) -> bool:
    return bool(replica.info("replication").get("master_link_status") == "up")


def _repeated(
    stack: Stack, publish: Publisher, name: str, back: Callable[[], None], times: int, limit: float
) -> list[ReportRow]:
    """The rows of a fault that brings old tickets back, `times` in a row."""
    old: list[int] = []

    def fault() -> None:
        for _ in range(times):
            back()
            old.append(_old_tickets(stack))
            time.sleep(1.0)

    rows = during(stack, publish, name, fault, limit)
    came_back = ReportRow("  old tickets came back", times, sum(count > 0 for count in old), 0.0, f"{old} tickets")
    return [*rows, came_back]


def _old_tickets(stack: Stack) -> int:
    """How many tickets lie in Redis that were written in another life of it."""
    with stack.redis_client() as redis:
        life = redis.info("server")["run_id"].encode()
        tickets = redis.keys(redis_keys.ticket("*"))
        return sum(redis.hget(each, "life") not in (life, None) for each in tickets)
