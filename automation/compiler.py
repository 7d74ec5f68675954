"""Compiles and lints sources in child processes (`automation/inspection.py`, `automation/lint_process.py`), so that no
source can stop this one.
"""

import importlib.util
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from automation import inspection

SLOTS: Final = 2
"""How many child processes may run at once."""

SECONDS: Final = 30.0
"""Limits the time for one source, and the wait for a slot."""

_COMMAND: Final = (sys.executable, "-I", "-S", inspection.__file__)

# The directories that the linter itself needs are gone before it asks what scripts can import.
_LINT: Final = """
import sys
usual = sys.path[:]
sys.path[:0] = sys.argv[1:]
from automation.lint_process import main
sys.path[:] = usual
main()
"""
_TOO_SLOW: Final = f"The compiler needs more than {inspection.CPU_SECONDS} seconds for it."
_CRASHED: Final = "The compiler crashed on it."
_BUSY: Final = "It could not be compiled in time, because the machine is busy. Try again."

LINT_SECONDS: Final = 5.0
"""Limits the wait for the only place to lint, which is not one of `SLOTS`: no save waits for an editor."""

_slots = threading.BoundedSemaphore(SLOTS)
_lint_slot = threading.BoundedSemaphore(1)


def inspect_all(sources: Sequence[str]) -> list[dict[str, Any]]:
    """The result of `automation.inspection.inspect` for each source; an error for one that kills the child."""
    found: list[dict[str, Any]] = []
    while rest := sources[len(found) :]:
        if not _slots.acquire(timeout=SECONDS):
            return [*found, *(_failed(_BUSY) for _ in rest)]
        try:
            answers, failure = _ask(_COMMAND, rest)
        finally:
            _slots.release()
        found += answers
        if len(answers) < len(rest):
            # The source that stopped the child; the next round goes on after it.
            found.append(_failed(failure))
    return found


def lint(
    source: str, packages: Collection[str] | None = None, modules: Collection[str] | None = None
) -> list[tuple[int, str, str]] | None:
    """What `automation.lint_process.lint` answers; None also if it was stopped, or could not begin in time.

    `packages` are the normalised names of the packages that the source asks for, None if it asks for nothing; `modules`
    those that they have, None if that is not known.
    """
    tops = None if modules is None else sorted({module.partition(".")[0] for module in modules})
    about = None if packages is None else {"names": sorted(packages), "modules": tops}
    if not _lint_slot.acquire(timeout=LINT_SECONDS):
        return None
    try:
        answers, _failure = _ask(_lint_command(), [source], first=json.dumps(about) + "\n")
    finally:
        _lint_slot.release()
    problems = answers[0] if answers else None
    return None if problems is None else [(line, kind, name) for line, kind, name in problems]


def _lint_command() -> Sequence[str]:
    # Found without importing it: it is for the child only.
    linter = importlib.util.find_spec("pyflakes")
    if linter is None or linter.origin is None:
        raise ModuleNotFoundError("pyflakes is not installed; install requirements.txt")
    needed = Path(inspection.__file__).parent.parent, Path(linter.origin).parent.parent
    return (*_COMMAND[:3], "-c", _LINT, *map(str, needed))


def _ask(command: Sequence[str], sources: Sequence[str], first: str = "") -> tuple[list[Any], str]:
    """What a child answered that reads `first` before the sources, and the reason if it did not answer all of them."""
    # A path as program and an empty environment: the child gets none of our modules, settings and secrets.
    child = subprocess.Popen(  # noqa: S603  the command is our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
    )
    with child:
        try:
            output, _ = child.communicate((first + json.dumps(sources)).encode(), SECONDS * len(sources))
            failure = _TOO_SLOW if child.returncode == -signal.SIGXCPU else _CRASHED
        except subprocess.TimeoutExpired:
            # The answers that it has given already count.
            child.kill()
            output, failure = child.communicate()[0], _BUSY
    # The last line may be cut off.
    complete = output[: output.rfind(b"\n") + 1]
    return [json.loads(line) for line in complete.splitlines()], failure


def _failed(message: str) -> dict[str, Any]:
    return {"line": None, "message": message, "may_pass": message != _TOO_SLOW}
