"""What programs write to a pipe of the supervisor's, and what it says itself, as lines of the log."""

import logging
from typing import Any

from supervisor.loggers import Handler

from foundation import logs

_LONGEST = 8 * 1024


class PassedLines(Handler):  # type: ignore[misc]
    """Gives what the supervisor's own kind of logger takes to `logging`, line by line and none without an end."""

    def __init__(self, name: str, *, as_json: bool) -> None:
        super().__init__()
        self._log, self._rest = logging.getLogger(name), b""
        logs.use_output(self._log, as_json=as_json)

    def emit(self, record: Any) -> None:
        """A sentence of the supervisor's, or a part of the output of a program."""
        if isinstance(record.msg, bytes):
            self._take(record.msg)
        else:
            self._log.log(record.level, "%s", record.msg % record.kw if record.kw else record.msg)

    def close(self) -> None:
        """Standard output stays open."""

    def _take(self, output: bytes) -> None:
        *lines, self._rest = (self._rest + output).split(b"\n")
        if len(self._rest) > _LONGEST:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            for begin in range(0, len(line), _LONGEST):
                self._log.info("%s", line[begin : begin + _LONGEST].decode(errors="replace").rstrip("\r"))
