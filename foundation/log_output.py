"""Standard output as the log of several processes."""

import fcntl
import logging
import os
from contextlib import suppress
from functools import cache

STANDARD_OUTPUT = 1
_STANDARD_ERROR = 2


@cache
def claimed_output() -> int:
    """The standard output of this process, for lines of the log only: what else is printed goes to standard error.

    The processes that this one forks share it, and no program that it starts does.
    """
    claimed = os.dup(STANDARD_OUTPUT)
    os.dup2(_STANDARD_ERROR, STANDARD_OUTPUT)
    return claimed


class OutputHandler(logging.Handler):
    """Writes each record to the standard output as one line, which lines of other processes do not split.

    A pipe that is full takes a long line in pieces. The processes of the stack share their standard output, so each
    holds a lock on it while it writes.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(f"{self.format(record)}\n".encode("utf-8", "backslashreplace"))
        except OSError:
            self.handleError(record)

    def _write(self, line: bytes) -> None:
        # Not every kind of file can be locked.
        with suppress(OSError):
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        finally:
            with suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
