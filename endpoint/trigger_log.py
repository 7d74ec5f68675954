"""The lines that a trigger leaves at any log level: two in `endpoint.log`, or one in `refused.log`."""

import json
import logging
import time
from uuid import UUID

from definitions.lookups import ScriptRow
from endpoint.errors import TriggerError
from foundation.logs import REFUSED_LOGGER, TRIGGER_LOGGER

LONGEST_PATH = 300
_LONGEST_METHOD = 20

_log = logging.getLogger(TRIGGER_LOGGER)
_refused = logging.getLogger(REFUSED_LOGGER)


class TriggerLog:
    """One trigger in the log: a line when it starts and one when it ends. What a client sent is escaped and cut.

    A request that is refused before its token is known never starts. It leaves one line, in a file of its own.
    """

    def __init__(self, trigger_id: str, method: str, path: str) -> None:
        self.trigger_id = trigger_id
        self.token_id: UUID | None = None
        self.script: ScriptRow | None = None
        self._has_started = False
        self._begun = time.monotonic()
        self._what = f"trigger={trigger_id} method={json.dumps(method[:_LONGEST_METHOD])} route={_cut(path)}"

    def started(self, token_id: UUID | None = None) -> None:
        self.token_id, self._has_started = token_id, True
        _log.info("started %s", self._what)

    def ended(self, result: int | TriggerError, node: int | None) -> None:
        """Log the script's response code, or the error, and the worker node it came from."""
        log, verb = (_log, "ended") if self._has_started else (_refused, "refused")
        log.info(
            "%s %s%s token=%s node=%s %s ms=%.1f",
            verb,
            self._what,
            _named(self.script) if self.script else "",
            self.token_id or "-",
            node or "-",
            f"code={result}" if isinstance(result, int) else _error(result),
            (time.monotonic() - self._begun) * 1_000,
        )


def _named(script: ScriptRow) -> str:
    """As in `manager.log`."""
    return f" script={script.id} version={script.version} name={json.dumps(script.name)}"


def _cut(path: str) -> str:
    """The first 300 characters, in quotes, and the number of those left out: `"/api/custom/…"+7892`."""
    rest = len(path) - LONGEST_PATH
    return f"{json.dumps(path[:LONGEST_PATH])}{f'+{rest}' if rest > 0 else ''}"


def _error(error: TriggerError) -> str:
    text = f"reason={error.reason} errorCode={error.code}"
    return f"{text} message={json.dumps(error.message)}" if error.message else text
