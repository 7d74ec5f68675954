"""Processes that die while triggers run: worker nodes, script hosts, gunicorn's children."""

import random
import signal
import subprocess
import time
from dataclasses import replace

import psutil

from chaos.callers import CLOSED, CallerLoad, CallResult, successes
from chaos.marks import Marks
from chaos.rows import ReportRow, answered_row, success_row
from chaos.trial import Trial
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS
from testbed.stack import Stack, wait_until

CALLERS = 24
# The connections of a killed child close at once. A connection that closes later has another cause.
CLOSING_SECONDS = 2.0


class KilledFleet:
    """The two worker nodes of a stack; a killed one is replaced, as a supervisor would do."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._forgotten_at = stack, 0.0
        # An earlier fault may have killed nodes.
        self._settle(1)
        self.workers: list[subprocess.Popen[bytes]] = [stack.worker, stack.start_worker()]
        self._settle(2)

    def kill_worker(self, chance: random.Random) -> bool:
        """Kill a worker node and start another."""
        victim = self.workers.pop(chance.randrange(len(self.workers)))
        victim.kill()
        victim.wait()
        self._forgotten_at = time.monotonic() + HEARTBEAT_ENDS_AFTER_SECONDS
        self.workers.append(self._stack.start_worker())
        return True

    def kill_host(self, chance: random.Random) -> bool:
        """Kill a process below a worker node: a script host, the zygote or its keeper."""
        hosts = [host for worker in self.workers for host in psutil.Process(worker.pid).children(recursive=True)]
        return bool(hosts) and _kill(chance.choice(hosts))

    def kill_web(self, chance: random.Random) -> bool:
        children = psutil.Process(self._stack.web.process.pid).children()
        return bool(children) and _kill(chance.choice(children))

    def end(self) -> None:
        """End the second node; the stack ends the other one."""
        self._stack.worker = self.workers.pop()
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
        self._settle(1)

    def _settle(self, nodes: int) -> None:
        """Wait until there are `nodes` worker nodes. A killed one counts until its heartbeat expires."""
        wait_until(
            lambda: time.monotonic() > self._forgotten_at and self._stack.nodes() == nodes, what=f"{nodes} worker nodes"
        )


def _kill(process: psutil.Process) -> bool:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def kills(trial: Trial, *, triggers: int, kills: int, seed: int = 1) -> list[ReportRow]:
    """`triggers` triggers, while `kills` processes are killed one after the other."""
    stack, chance = trial.stack, random.Random(seed)
    fleet = KilledFleet(stack)
    web_kills: list[float] = []
    done = {"worker": 0, "host": 0, "web": 0}
    try:
        with Marks(stack.state_dir) as marks:
            load = CallerLoad(stack.url, trial.publish(marks.source), triggers, query="?seconds=0.02")
            with load.going_on(CALLERS):
                for number in range(kills):
                    threshold = triggers * (number + 1) // (kills + 1)
                    wait_until(lambda: len(load.answers) >= threshold or load.is_over, 600, "callers")  # noqa: B023
                    kind = ("worker", "host", "web")[number % 3]
                    wait_until(lambda: getattr(fleet, f"kill_{kind}")(chance), 30, kind)  # noqa: B023
                    done[kind] += 1
                    if kind == "web":
                        web_kills.append(time.time())
                wait_until(lambda: load.is_over, 900, "the last callers")
            killed = ", ".join(f"{count} {kind}" for kind, count in done.items())
            return _rows(f"killed: {killed}", load.answers, marks, web_kills, trial.limit)
    finally:
        fleet.end()


def _rows(name: str, answers: list[CallResult], marks: Marks, web_kills: list[float], limit: float) -> list[ReportRow]:
    closed = [answer for answer in answers if answer.result == CLOSED]
    explained = [answer for answer in closed if _is_near(answer.ended, web_kills)]
    others = [answer for answer in answers if answer.result != CLOSED]
    runs = marks.runs()
    lost = [answer for answer in successes(answers) if not runs[answer.marker]]
    untrue = [answer for answer in answers if answer.is_safe_to_repeat and runs[answer.marker]]
    note = f"{len(web_kills)} killed"
    return [
        answered_row(name, others, limit),
        ReportRow("  closed by the kill of a gunicorn child", len(closed), len(explained), note=note),
        ReportRow("  no trigger ran twice", sum(runs.values()), len(runs)),
        ReportRow("  callers were told the truth", len(answers), len(answers) - len(lost + untrue)),
    ]


def _is_near(moment: float, kills: list[float]) -> bool:
    return any(-CLOSING_SECONDS < moment - kill < CLOSING_SECONDS for kill in kills)


def rolling_restart(trial: Trial, *, rounds: int) -> list[ReportRow]:
    """Under load, gunicorn replaces its children (HUP), then both worker nodes restart one after the other."""
    stack = trial.stack
    fleet = KilledFleet(stack)
    try:
        with Marks(stack.state_dir) as marks:
            load = CallerLoad(stack.url, trial.publish(marks.source), query="?seconds=0.05", pause=0.02)
            with load.going_on(8):
                for _ in range(rounds):
                    _renew_web(stack)
                    _renew_workers(stack, fleet)
                time.sleep(1)
            twice = len(marks.twice())
            row = success_row("rolling restart of gunicorn and workers", load.answers, f"ran twice: {twice}")
            return [replace(row, survived=row.survived - twice)]
    finally:
        fleet.end()


def _renew_web(stack: Stack) -> None:
    master = psutil.Process(stack.web.process.pid)
    before = master.children()
    master.send_signal(signal.SIGHUP)
    wait_until(lambda: not any(child.is_running() for child in before), 60, "gunicorn's old children")
    wait_until(lambda: bool(master.children()), 30, "gunicorn's new children")


def _renew_workers(stack: Stack, fleet: KilledFleet) -> None:
    for old in fleet.workers[:]:
        old.send_signal(signal.SIGTERM)
        old.wait(60)
        before = stack.nodes()
        fleet.workers.remove(old)
        fleet.workers.append(stack.start_worker())
        wait_until(lambda: stack.nodes() > before, what="a new worker node")  # noqa: B023
