"""Compiles sources in a child process (`automation/inspection.py`), so that no source can stop this one."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any, Final

from automation import inspection

SLOTS: Final = 2
"""How many child processes may run at once."""

SECONDS: Final = 30.0
"""Limits the time for one source, and the wait for a slot."""

_COMMAND: Final = (sys.executable, "-I", "-S", inspection.__file__)
_TOO_SLOW: Final = f"The compiler needs more than {inspection.CPU_SECONDS} seconds for it."
_CRASHED: Final = "The compiler crashed on it."
_BUSY: Final = "It could not be compiled in time, because the machine is busy. Try again."

_slots = threading.BoundedSemaphore(SLOTS)


def inspect_all(sources: Sequence[str]) -> list[dict[str, Any]]:
    """The result of `automation.inspection.inspect` for each source; an error for one that kills the child."""
    found: list[dict[str, Any]] = []
    while rest := sources[len(found) :]:
        if not _slots.acquire(timeout=SECONDS):
            return [*found, *(_failed(_BUSY) for _ in rest)]
        try:
            answers, failure = _ask(rest)
        finally:
            _slots.release()
        found += answers
        if len(answers) < len(rest):
            # The source that stopped the child; the next round goes on after it.
            found.append(_failed(failure))
    return found


def _ask(sources: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """What a child answered, and the reason if it did not answer every source."""
    # A path as program and an empty environment: the child gets none of our modules, settings and secrets.
    child = subprocess.Popen(  # noqa: S603  the command is our own
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
    )
    with child:
        try:
            output, _ = child.communicate(json.dumps(sources).encode(), SECONDS * len(sources))
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
