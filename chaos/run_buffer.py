"""Runs that cannot be kept: their buffer is full, or Redis dies. Triggers go on, and what is lost is counted."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import psutil
from django.conf import settings
from django.db import connection
from django.db.models import Sum

from chaos.callers import CallerLoad, successes
from chaos.rows import ReportRow, answered_row, check_row
from chaos.runs import stored_runs, succeeded, wait_until_stored
from chaos.trial import Trial
from definitions.models import KeepBodies
from fleet import redis_keys
from fleet.lua_parts import MOST_BUFFERED_BYTES
from objects.changes import save_checked
from runs.gaps import PATIENCE_SECONDS
from runs.models import Run, RunsNotKept
from testbed.postgresql import PostgresqlServer
from testbed.publisher import Api, Publisher
from testbed.stack import Stack, wait_until

CALLERS = 16
_MOST_REDIS_BYTES = 2 * MOST_BUFFERED_BYTES
_MOST_GROWTH_BYTES = 80 * 1024 * 1024
_LOOK_SECONDS = 1.0
# A full fleet refuses what would not be done in time.
_MOSTLY = 0.95
TALKATIVE = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    for _ in range(60):
        print("x" * 1_000)
    return ApiTriggerOutput(response_body="y" * 60_000)
"""


@contextmanager
def refused_writes(server: PostgresqlServer | None) -> Iterator[None]:
    """Within this context, the database takes no run; every look-up works."""
    if server:
        with _locked_on_postgresql():
            yield
        return
    own = connection.get_new_connection({"database": settings.DATABASES["default"]["NAME"], "isolation_level": None})
    with closing(own) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def _locked_on_postgresql() -> Iterator[None]:
    with closing(connection.get_new_connection(connection.get_connection_params())) as other:
        other.autocommit = False
        other.execute(f"LOCK TABLE {Run._meta.db_table} IN EXCLUSIVE MODE")
        yield
        other.rollback()


def publish_talkative(publish: Publisher) -> Api:
    """An API whose runs leave some 180 KB of log and bodies."""
    api = publish(TALKATIVE)
    api.definition.keep_bodies = KeepBodies.EVERYTHING
    save_checked(api.definition, "system")
    return api


def not_kept() -> tuple[int, int]:
    """How many records, and how many logs and bodies, were counted as lost so far."""
    found = RunsNotKept.objects.aggregate(records=Sum("records"), extras=Sum("extras"))
    return found["records"] or 0, found["extras"] or 0


class MemoryWatch:
    """Looks at the memory of Redis and of the product's processes once a second, within a `with` block."""

    def __init__(self, stack: Stack, programs: Mapping[str, int]) -> None:
        self._stack = stack
        parents = {name: psutil.Process(pid) for name, pid in programs.items()}
        self._programs = [(name, each) for name, one in parents.items() for each in (one, *one.children())]
        self._before = [_size(each) for _, each in self._programs]
        self._grown: dict[str, int] = dict.fromkeys(programs, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.redis_bytes = self.buffered_bytes = 0

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def rows(self) -> list[ReportRow]:
        megabytes = f"{self.redis_bytes >> 20} MB, buffer {self.buffered_bytes >> 20} MB"
        is_bounded = self.redis_bytes <= _MOST_REDIS_BYTES and self.buffered_bytes <= MOST_BUFFERED_BYTES
        grown = ", ".join(f"{name} {size >> 20} MB" for name, size in self._grown.items())
        return [
            check_row("  Redis' memory is bounded", is_bounded, note=megabytes),
            check_row("  no program grows much", max(self._grown.values()) <= _MOST_GROWTH_BYTES, note=grown),
        ]

    def _look_on(self) -> None:
        with self._stack.redis_client() as redis:
            while not self._over.wait(_LOOK_SECONDS):
                self.redis_bytes = max(self.redis_bytes, redis.info("memory")["used_memory"])
                self.buffered_bytes = max(self.buffered_bytes, int(redis.hget(redis_keys.buffered(), "bytes") or 0))
                for (name, process), before in zip(self._programs, self._before, strict=True):
                    self._grown[name] = max(self._grown[name], _size(process) - before)


def _size(process: psutil.Process) -> int:
    return int(process.memory_info().rss) if process.is_running() else 0


def full(trial: Trial, *, seconds: float, server: PostgresqlServer | None = None) -> list[ReportRow]:
    """The database refuses writes for `seconds` at full load, and the buffer is full."""
    stack, api = trial.stack, publish_talkative(trial.publish)
    background = stack.start_background()
    load = CallerLoad(stack.url, api)
    # The background program has loaded everything once it has stored a run.
    _again_row(trial, api)
    programs = {"worker": stack.worker.pid, "web": stack.web.process.pid, "background": background.pid}
    before = not_kept()
    with MemoryWatch(stack, programs) as watch:
        with load.going_on(CALLERS):
            wait_until(lambda: len(load.answers) >= CALLERS, what="the first answers")
            with refused_writes(server):
                time.sleep(seconds)
        wait_until_stored(stack)
    time.sleep(PATIENCE_SECONDS + 5)
    records, extras = (now - old for now, old in zip(not_kept(), before, strict=True))
    found = stored_runs(succeeded(load.answers))
    lost = len(successes(load.answers)) - len(found)
    return [
        answered_row(f"database refuses writes for {seconds:g} s", load.answers, trial.limit),
        check_row("  triggers go on", len(successes(load.answers)) >= _MOSTLY * len(load.answers)),
        *watch.rows(),
        check_row("  lost runs are counted", lost <= records, note=f"{lost} lost, {records} counted"),
        check_row("  lost logs and bodies are counted", extras > 0, note=f"{extras} counted"),
        _again_row(trial, api),
    ]


def killed_redis(trial: Trial, *, times: int) -> list[ReportRow]:
    """Redis is killed under load, `times` in a row, and starts empty."""
    stack, api = trial.stack, trial.publish()
    stack.start_background()
    load = CallerLoad(stack.url, api, pause=0.02)
    before, _ = not_kept()
    with load.going_on(CALLERS):
        for _ in range(times):
            time.sleep(5)
            stack.redis.kill()
            stack.redis.wait(10)
            stack.redis = stack.start_redis()
        time.sleep(5)
    wait_until_stored(stack)
    time.sleep(PATIENCE_SECONDS + 5)
    counted, _ = not_kept()
    lost = len(successes(load.answers)) - len(stored_runs(succeeded(load.answers)))
    return [
        answered_row(f"Redis killed {times} times", load.answers, trial.limit),
        check_row("  lost runs are counted", lost <= counted - before, note=f"{lost} lost, {counted - before} counted"),
        _again_row(trial, api),
    ]


def _again_row(trial: Trial, api: Api) -> ReportRow:
    """A run is recorded afterwards."""
    run_id = api.call(trial.stack.client).headers["X-Trigger-Id"]
    begun = time.monotonic()
    wait_until(lambda: bool(stored_runs([run_id])), 60, "a run that is stored afterwards")
    return check_row("  runs are recorded again", True, time.monotonic() - begun)
