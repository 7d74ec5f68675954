"""Web servers and worker nodes of different releases before one Redis, as while a fleet is upgraded."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.callers import CallerLoad, CallResult, call
from chaos.marks import Marks
from chaos.report import ReportRow, row
from fleet.redis_frames import READABLE
from foundation import __version__
from testbed.publishing import Publisher
from testbed.stack import ROOT, Stack, wait_until

CALLERS = 6
_REFUSED_SECONDS = 1.0
_REFUSED = "503 code 7"
NEXT, AFTER_NEXT = READABLE[0] + 1, READABLE[0] + 2


def release(directory: Path, newest: int) -> Path:
    """The product as a later release would have it, whose format is `newest`: a copy below `directory`.

    It reads the format before as well, and its jobs and answers have a field more.
    """
    copy = directory / f"release-{newest}"
    for package in [entry.parent for entry in ROOT.glob("*/__init__.py")]:
        if package.name not in {"tests", "chaos", "benchmarks"}:
            shutil.copytree(package, copy / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    _edit(copy / "fleet/redis_frames.py", r"READABLE: Final = \(.*\)", f"READABLE: Final = ({newest}, {newest - 1})")
    _edit(copy / "foundation/__init__.py", r'__version__ = ".*"', f'__version__ = "{version(newest)}"')
    for file in ("hosts/jobs.py", "fleet/answer.py"):
        field = r'    body: bytes = field\(default=b"", repr=False\)\n'
        _edit(copy / file, field, rf'\g<0>    added_in_{newest}: str = "new"\n')
    return copy


def version(newest: int) -> str:
    """The version of that release."""
    return f"{newest}.0.0"


def _edit(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text(), count=1)
    if not count:
        raise LookupError(f"{pattern} is not in {file}")
    file.write_text(text)


def neighbours(stack: Stack, publish: Publisher, directory: Path, *, seconds: float, limit: float) -> list[ReportRow]:
    """The neighbour's node beside ours, then alone, then its web server beside ours; then releases too far apart."""
    next_one, after = release(directory, NEXT), release(directory, AFTER_NEXT)
    with Marks(stack.state_dir) as marks:
        api = publish(marks.source)
        load = CallerLoad(stack.url, api, query="?seconds=0.02", pause=0.02)
        with stack.another_worker(next_one), load.going_on(CALLERS):
            time.sleep(seconds)
            with _without_own_worker(stack):
                time.sleep(seconds)
            with stack.another_web(next_one) as web:
                newer = [call(web.url, api, f"newer-{number}") for number in range(10)]
        with stack.another_web(after) as web, stack.another_worker(next_one):
            # It writes what the node of the release between reads, and ours does not.
            newest = [call(web.url, api, f"newest-{number}") for number in range(10)]
        with stack.another_worker(after):
            mixed = [call(stack.url, api, f"mixed-{number}") for number in range(20)]
            with _without_own_worker(stack):
                refused = [call(stack.url, api, f"refused-{number}") for number in range(10)]
        twice = marks.twice()
    return [
        _served("the next release's node beside ours, then alone", load.answers, limit),
        _served("  its web server before our node", newer, limit),
        _served("  a web server two ahead, a node between", newest, limit),
        _served("  a node two ahead beside ours", mixed, limit),
        _refused(stack, refused),
        ReportRow("  none twice", len(load.answers), len(load.answers) - len(twice), 0.0),
    ]


@contextmanager
def _without_own_worker(stack: Stack) -> Iterator[None]:
    before = stack.nodes()
    stack.stop_worker()
    wait_until(lambda: stack.nodes() == before - 1, 20, "one node fewer")
    yield
    stack.worker = stack.start_worker()
    wait_until(lambda: stack.nodes() == before, 30, "the node again")


def _served(name: str, answers: list[CallResult], limit: float) -> ReportRow:
    heard = row(name, answers, limit)
    served = len([answer for answer in answers if answer.result == "200"])
    return ReportRow(name, heard.tried, served, heard.worst_seconds, heard.note)


def _refused(stack: Stack, answers: list[CallResult]) -> ReportRow:
    """A node alone that cannot read our jobs: error 7 at once, and a line that names both releases."""
    heard = row("  a node two ahead alone: refused at once", answers, _REFUSED_SECONDS)
    refused = len([answer for answer in answers if answer.result == _REFUSED])
    told = [line for line in stack.log_text("endpoint.log").splitlines() if "no worker node reads" in line]
    named = bool(told) and f"release {__version__} " in told[-1] and f"release {version(AFTER_NEXT)} " in told[-1]
    return ReportRow(
        heard.fault, heard.tried, min(refused, heard.survived) if named else 0, heard.worst_seconds, heard.note
    )
