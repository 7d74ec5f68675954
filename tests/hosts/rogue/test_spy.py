"""The spy that other tests call: it tells what it reaches, and is not misled by a process that ends."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import psutil

from testbed.stack import wait_until
from tests.hosts.rogue import spy


@contextmanager
def child() -> Iterator[psutil.Process]:
    """A process of our own account, which waits."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield psutil.Process(process.pid)
        process.kill()


@contextmanager
def zombie() -> Iterator[psutil.Process]:
    """A process that has ended, and is still listed because nobody has waited for it."""
    with child() as process:
        end(process)
        yield process


def end(process: psutil.Process) -> None:
    process.kill()
    wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE, what="a zombie")


def unconfined(attempts: str) -> dict[str, Any]:
    """What the spy tells when nothing holds it back. Its own process is of no interest here."""
    names: dict[str, Any] = {}
    exec(spy.SPY, names)  # noqa: S102  a script of this directory
    told: dict[str, Any] = json.loads(names["on_api_trigger"](None, SimpleNamespace(raw_body=attempts)).response_body)
    return told


def test_what_the_spy_reaches_is_told_unless_the_process_has_ended():
    with ExitStack() as stack:
        alive, ends, ended, gone = (stack.enter_context(each()) for each in (child, child, zombie, child))
        gone.kill()
        gone.wait()

        def call(attempts: str) -> dict[str, Any]:
            end(ends)
            return unconfined(attempts)

        found = spy.successes_on_processes(call, [alive, ends, ended, gone])
    reached = {target for (_, target), said in found if said == "done"}
    files = {f"/proc/{alive.pid}/{name}" for name in ("environ", "maps", "cwd/manage.py")}
    assert reached == {str(alive.pid), *files}
    assert all(str(alive.pid) in target.split("/") for (_, target), _ in found)
