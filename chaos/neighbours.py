"""Web servers and worker nodes of different releases on one Redis, as during an upgrade of the fleet."""

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

from automation.models import AutomationScript
from chaos.callers import CallerLoad, CallResult, call
from chaos.marks import Marks
from chaos.rows import ReportRow, answered_row, success_row
from chaos.trial import Trial
from definitions.changes import save_definition
from fleet.redis_frames import READABLE, WITHOUT_VERSIONS
from foundation import __version__
from objects.changes import save_checked
from testbed.publisher import Api
from testbed.stack import ROOT, Stack, wait_until

CALLERS = 6
_REFUSED_SECONDS = 1.0
_REFUSED = "503 code 7"
NEXT, AFTER_NEXT = READABLE[0] + 1, READABLE[0] + 2
_NUMBERED = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body="{}")
"""


def release(directory: Path, newest: int) -> Path:
    """A copy of the product below `directory` that looks like another release, with `newest` as its frame format.

    It also reads the format before, if there is one, and its jobs and answers have one more field.
    """
    copy = directory / f"release-{newest}"
    for package in [entry.parent for entry in ROOT.glob("*/__init__.py")]:
        if package.name not in {"tests", "chaos", "benchmarks"}:
            # With the compiled files, but not with those that another process is about to rename.
            shutil.copytree(package, copy / package.name, ignore=shutil.ignore_patterns("*.pyc.*"))
    formats = range(newest, max(newest - 2, 0), -1)
    _edit(copy / "fleet/redis_frames.py", r"READABLE: Final = \(.*\)", f"READABLE: Final = {tuple(formats)}")
    _edit(copy / "foundation/__init__.py", r'__version__ = ".*"', f'__version__ = "{_version(newest)}"')
    for file in ("hosts/jobs.py", "fleet/answer.py"):
        field = r'    body: bytes = field\(default=b"", repr=False\)\n'
        _edit(copy / file, field, rf'\g<0>    added_in_{newest}: str = "new"\n')
    return copy


def _version(newest: int) -> str:
    return f"{newest}.0.0"


def _edit(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text(), count=1)
    if not count:
        raise LookupError(f"{pattern} is not in {file}")
    file.write_text(text)


def neighbours(trial: Trial, *, directory: Path, seconds: float) -> list[ReportRow]:
    """The next release's node beside ours, then alone, then its web server beside ours; then releases too far apart.

    Then the release before versions: whichever side it is, a trigger runs the current version, even if the API is
    pinned to another.
    """
    stack = trial.stack
    next_one, after = release(directory, NEXT), release(directory, AFTER_NEXT)
    with Marks(stack.state_dir) as marks:
        api = trial.publish(marks.source)
        load = CallerLoad(stack.url, api, query="?seconds=0.02", pause=0.02)
        with stack.another_worker(next_one):
            with load.going_on(CALLERS):
                time.sleep(seconds)
                _end_own_worker(stack)
                time.sleep(seconds)
                _start_own_worker(stack)
                with stack.another_web(next_one) as web:
                    newer = _calls(web.url, api, "newer", 10)
            with stack.another_web(after) as web:
                # The node of the release between reads its jobs, ours does not.
                newest = _calls(web.url, api, "newest", 10)
        with stack.another_worker(after):
            mixed = _calls(stack.url, api, "mixed", 20)
            _end_own_worker(stack)
            refused = _calls(stack.url, api, "refused", 10)
        twice = marks.twice()
        unversioned = _unversioned(trial, release(directory, WITHOUT_VERSIONS))
    return [
        success_row("the next release's node beside ours, then alone", load.answers),
        success_row("  its web server with our node", newer),
        success_row("  a web server two ahead, a node one ahead", newest),
        success_row("  a node two ahead beside ours", mixed),
        _refused_row(stack, refused),
        unversioned,
        ReportRow("  no trigger ran twice", len(load.answers), len(load.answers) - len(twice)),
    ]


def _unversioned(trial: Trial, before: Path) -> ReportRow:
    """Our web server with a node that knows no versions, and the reverse, while the script changes.

    Our own node has ended before, and runs again afterwards.
    """
    stack, api = trial.stack, trial.publish(_NUMBERED.format(1))
    api.definition.script_version = 1
    save_definition(api.definition, "system")
    texts = []
    with stack.another_worker(before):
        texts += [_text_of(stack.url, api, number) for number in (2, 3)]
    _start_own_worker(stack)
    with stack.another_web(before) as web:
        texts += [_text_of(web.url, api, number) for number in (4, 5)]
    # Only here both sides know versions.
    texts.append(_text_of(stack.url, api, 6))
    survived = sum(text == expected for text, expected in zip(texts, "23451", strict=True))
    return ReportRow("  the release before versions: runs the current one", len(texts), survived)


def _text_of(url: str, api: Api, number: int) -> str:
    """What a call answers right after the script got its version `number`."""
    script = AutomationScript.objects.get(api_definitions=api.definition)
    script.source = _NUMBERED.format(number)
    save_checked(script, "system")
    return call(url, api, f"version-{number}").text


def _calls(url: str, api: Api, marker: str, count: int) -> list[CallResult]:
    return [call(url, api, f"{marker}-{number}") for number in range(count)]


def _end_own_worker(stack: Stack) -> None:
    before = stack.nodes()
    stack.stop_worker()
    wait_until(lambda: stack.nodes() == before - 1, 20, "one node fewer")


def _start_own_worker(stack: Stack) -> None:
    before = stack.nodes()
    stack.worker = stack.start_worker()
    wait_until(lambda: stack.nodes() == before + 1, 30, "the node again")


def _refused_row(stack: Stack, answers: list[CallResult]) -> ReportRow:
    """A node that cannot read our jobs is alone: error 7 at once, and a log line that names both releases."""
    row = answered_row("  a node two ahead alone: refused at once", answers, _REFUSED_SECONDS)
    refused = sum(answer.result == _REFUSED for answer in answers)
    lines = [line for line in stack.log_text("endpoint.log").splitlines() if "no worker node reads" in line]
    are_named = bool(lines) and all(f"release {each} " in lines[-1] for each in (__version__, _version(AFTER_NEXT)))
    return replace(row, survived=min(refused, row.survived) if are_named else 0)
