"""Has sources compiled by a child process (`automation/inspection.py`), so that none can stop this one."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any, Final

from automation import inspection

PLACES: Final = 2
"""Child processes of this process at once."""

SECONDS: Final = 30.0
"""The time for one source and the wait for a place, whatever else keeps the machine busy."""

_COMMAND: Final = (sys.executable, "-I", "-S", inspection.__file__)
_TOO_SLOW: Final = f"The compiler needs more than {inspection.CPU_SECONDS} seconds for it."
_CRASHED: Final = "The compiler crashed on it."
_BUSY: Final = "It could not be compiled in time, because the machine is busy. Try again."

_places = threading.BoundedSemaphore(PLACES)


def inspect_all(sources: Sequence[str]) -> list[dict[str, Any]]:
    """The result of `automation.inspection.inspect` for each source; an error for one that kills the child."""
    found: list[dict[str, Any]] = []
    while len(found) < len(sources):
        # Every round answers at least one source, the one that killed the child included.
        found += _inspect_until_one_fails(sources[len(found) :])
    return found


def _inspect_until_one_fails(sources: Sequence[str]) -> list[dict[str, Any]]:
    if not _places.acquire(timeout=SECONDS):
        return [_failed(_BUSY, may_pass=True) for _ in sources]
    try:
        answers, failure = _ask(sources)
    finally:
        _places.release()
    return answers if len(answers) == len(sources) else [*answers, _failed(failure, may_pass=failure != _TOO_SLOW)]


def _ask(sources: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """The answers that a child gave, and why there are no more of them."""
    # The script is given by path and the environment is empty: the child gets no secret and none of our settings.
    child = subprocess.Popen(  # noqa: S603  the command is our own
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
    )
    with child:
        try:
            output, _ = child.communicate(json.dumps(sources).encode(), SECONDS * len(sources))
            failure = _TOO_SLOW if child.returncode == -signal.SIGXCPU else _CRASHED
        except subprocess.TimeoutExpired:
            child.kill()
            output, failure = child.communicate()[0], _BUSY
    # A line that was cut off is no answer.
    complete = output[: output.rfind(b"\n") + 1]
    return [json.loads(line) for line in complete.splitlines()], failure


def _failed(message: str, *, may_pass: bool) -> dict[str, Any]:
    return {"line": None, "message": message, "may_pass": may_pass}
