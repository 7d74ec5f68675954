"""What the start shows on the terminal: one line for each step, or the sentence that ends it.

Where the log is JSON on standard output, these lines are part of it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foundation.logs import LAUNCHER_LOGGER

_log = logging.getLogger(LAUNCHER_LOGGER)


class StartError(Exception):
    """Why the start cannot go on; the text tells the operator what to do."""


def say(text: str, level: int = logging.INFO) -> None:
    """Print `text` at once, even where the output is not a terminal. `level` counts in a log only."""
    if _log.handlers:
        _log.log(level, "%s", text.strip())
    else:
        print(text, flush=True)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Show `name` while the body works, then its result, which the body passes to the yielded function."""
    results: list[str] = []
    if not _log.handlers:
        print(f"{name} … ", end="", flush=True)
    try:
        yield results.append
    except BaseException:
        results.append("failed")
        raise
    finally:
        result = "; ".join(results)
        say(f"{name} … {result}" if _log.handlers else result)
