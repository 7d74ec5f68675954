"""The two lines that every trigger leaves in `endpoint.log`, at any level."""

import json
import logging
import time
from uuid import UUID

from endpoint.errors import TriggerError
from udapi_site.logs import TRIGGER_LOGGER

_log = logging.getLogger(TRIGGER_LOGGER)


class TriggerLog:
    """One trigger in the log: a line when it starts, one when it ends. What a client sent is escaped."""

    def __init__(self, trigger_id: str, method: str, path: str) -> None:
        self.token_id: UUID | None = None
        self._start = time.monotonic()
        self._what = f"trigger={trigger_id} method={json.dumps(method)} route={json.dumps(path)}"
        _log.info("started %s", self._what)

    def ended(self, result: int | TriggerError, node: int | None) -> None:
        """It was answered: with a script's response code, or with an error, from the worker node `node`."""
        milliseconds = (time.monotonic() - self._start) * 1_000
        _log.info(
            "ended %s token=%s node=%s %s ms=%.1f",
            self._what,
            self.token_id or "-",
            node or "-",
            f"code={result}" if isinstance(result, int) else _error(result),
            milliseconds,
        )


def _error(error: TriggerError) -> str:
    text = f"reason={error.reason} errorCode={error.code}"
    return f"{text} message={json.dumps(error.message)}" if error.message else text
