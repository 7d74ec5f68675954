"""Processes that die while triggers run: worker nodes, script hosts, gunicorn's children."""

import random
import signal
import subprocess
import time

import psutil

from chaos.callers import CLOSED, CallerLoad, CallResult
from chaos.marks import Marks
from chaos.report import ReportRow, row
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS
from testbed.publishing import Publisher
from testbed.stack import Stack, wait_until

CALLERS = 24
# A child that is killed takes its connections along at once; more than that is somebody else's fault.
CLOSING_SECONDS = 2.0


class KilledFleet:
    """The worker nodes of a stack, two at first; who is killed is replaced as a supervisor would."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.workers: list[subprocess.Popen[bytes]] = [stack.worker, stack.start_worker()]
        _settle(stack, 2)

    def kill_worker(self, chance: random.Random) -> bool:
        """Kill a worker node and start another."""
        victim = self.workers.pop(chance.randrange(len(self.workers)))
        victim.kill()
        victim.wait()
        self.workers.append(self._stack.start_worker())
        return True

    def kill_host(self, chance: random.Random) -> bool:
        """Kill a process below a worker node: a script's host, or what they are forked from."""
        hosts = [host for worker in self.workers for host in psutil.Process(worker.pid).children(recursive=True)]
        return bool(hosts) and _kill(chance.choice(hosts))

    def kill_web(self, chance: random.Random) -> bool:
        """Kill a child of gunicorn."""
        children = psutil.Process(self._stack.web.process.pid).children()
        return bool(children) and _kill(chance.choice(children))

    def end(self) -> None:
        """Leave one node to the stack, which ends it."""
        self._stack.worker = self.workers.pop()
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
        _settle(self._stack, 1)


def _settle(stack: Stack, nodes: int) -> None:
    """Wait until `nodes` worker nodes are there: who was killed counts as one until its heartbeat ends."""
    time.sleep(HEARTBEAT_ENDS_AFTER_SECONDS + 0.5)
    wait_until(lambda: stack.nodes() >= nodes, what="worker nodes")


def _kill(process: psutil.Process) -> bool:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def kills(
    stack: Stack, publish: Publisher, *, triggers: int, kills: int, limit: float, seed: int = 1
) -> list[ReportRow]:
    """`triggers` marked triggers, `kills` processes killed meanwhile; callers are answered within `limit` seconds."""
    chance = random.Random(seed)
    fleet = KilledFleet(stack)
    web_kills: list[float] = []
    done = {"worker": 0, "host": 0, "web": 0}
    try:
        with Marks(stack.state_dir) as marks:
            load = CallerLoad(stack.url, publish(marks.source), triggers, query="?seconds=0.02")
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
            return _rows(load.answers, marks, web_kills, done, limit)
    finally:
        fleet.end()


def _rows(
    answers: list[CallResult], marks: Marks, web_kills: list[float], done: dict[str, int], limit: float
) -> list[ReportRow]:
    closed = [answer for answer in answers if answer.result == CLOSED]
    explained = [answer for answer in closed if _is_near(answer.ended, web_kills)]
    others = [answer for answer in answers if answer.result != CLOSED]
    killed = ", ".join(f"{count} {kind}" for kind, count in done.items())
    runs = marks.runs()
    lost = [answer.marker for answer in answers if answer.result == "200" and not runs[answer.marker]]
    untrue = [answer.marker for answer in answers if "safe to send it again" in answer.text and runs[answer.marker]]
    return [
        row(f"killed: {killed}", others, limit),
        ReportRow(
            "  closed as their gunicorn child was killed", len(closed), len(explained), 0.0, f"{len(web_kills)} killed"
        ),
        ReportRow("  no marker twice", sum(runs.values()), len(runs), 0.0),
        ReportRow(
            "  what was answered did run, what was not did not", len(answers), len(answers) - len(lost + untrue), 0.0
        ),
    ]


def _is_near(moment: float, kills: list[float]) -> bool:
    return any(-CLOSING_SECONDS < moment - kill < CLOSING_SECONDS for kill in kills)


def rolling_restart(stack: Stack, publish: Publisher, *, rounds: int, limit: float) -> ReportRow:
    """gunicorn told to renew its children, then both worker nodes one after the other, under load."""
    fleet = KilledFleet(stack)
    try:
        with Marks(stack.state_dir) as marks:
            load = CallerLoad(stack.url, publish(marks.source), query="?seconds=0.05", pause=0.02)
            with load.going_on(8):
                for _ in range(rounds):
                    _renew_web(stack)
                    _renew_workers(stack, fleet)
                time.sleep(1)
            lost = [answer for answer in load.answers if answer.result != "200"]
            rest = row("rolling restart of gunicorn (HUP) and workers", load.answers, limit)
            note = f"{rest.note}; ran twice: {len(marks.twice())}"
            return ReportRow(
                rest.fault, rest.tried, rest.tried - len(lost) - len(marks.twice()), rest.worst_seconds, note
            )
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
