"""The lines that a trigger leaves at any log level: two in `endpoint.log`, or one in `refused.log`."""

import json
import logging
import time
from uuid import UUID

from definitions.lookups import DefinitionRow, ScriptRow
from endpoint.errors import TriggerError
from foundation.log_formats import LogEntry
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
        self.trigger_id, self.method, self.path = trigger_id, method[:_LONGEST_METHOD], path
        self.token_id: UUID | None = None
        self.definition: DefinitionRow | None = None
        self.script: ScriptRow | None = None
        self._has_started = False
        self._begun = time.monotonic()
        self._what = ""

    @property
    def what(self) -> str:
        """The trigger in lines of text."""
        if not self._what:
            self._what = f"trigger={self.trigger_id} method={json.dumps(self.method)} route={_cut(self.path)}"
        return self._what

    @property
    def seconds(self) -> float:
        """The time since the request was accepted."""
        return time.monotonic() - self._begun

    def started(self, token_id: UUID | None = None) -> None:
        self.token_id, self._has_started = token_id, True
        _log.info(_Start(self))

    def ended(self, result: int | TriggerError, node: int | None) -> None:
        """Log the script's response code, or the error, and the worker node it came from."""
        log, verb = (_log, "ended") if self._has_started else (_refused, "refused")
        log.info(_End(self, verb, result, node, self.seconds * 1_000))

    def fields(self) -> dict[str, object]:
        rest = len(self.path) - LONGEST_PATH
        return {
            "trigger_id": self.trigger_id,
            "method": self.method,
            "path": self.path[:LONGEST_PATH],
            "path_cut": rest if rest > 0 else None,
            "token_id": self.token_id,
        }


class _Start(LogEntry):
    __slots__ = ("_trigger",)

    def __init__(self, trigger: TriggerLog) -> None:
        self._trigger = trigger

    def __str__(self) -> str:
        return f"started {self._trigger.what}"

    def fields(self) -> dict[str, object]:
        return {"message": "trigger started", **self._trigger.fields()}


class _End(LogEntry):
    __slots__ = ("_milliseconds", "_node", "_result", "_trigger", "_verb")

    def __init__(
        self, trigger: TriggerLog, verb: str, result: int | TriggerError, node: int | None, milliseconds: float
    ) -> None:
        self._trigger, self._verb, self._result = trigger, verb, result
        self._node, self._milliseconds = node, milliseconds

    def __str__(self) -> str:
        trigger, result = self._trigger, self._result
        return (
            f"{self._verb} {trigger.what}{_named(trigger.script) if trigger.script else ''}"
            f" token={trigger.token_id or '-'} node={self._node or '-'}"
            f" {f'code={result}' if isinstance(result, int) else _error(result)} ms={self._milliseconds:.1f}"
        )

    def fields(self) -> dict[str, object]:
        trigger, result = self._trigger, self._result
        outcome = {"status": result} if isinstance(result, int) else _error_fields(result)
        return {
            "message": f"trigger {self._verb}",
            **trigger.fields(),
            **(_definition_fields(trigger.definition) if trigger.definition else {}),
            **(_script_fields(trigger.script) if trigger.script else {}),
            "node": self._node or None,
            **outcome,
            "milliseconds": round(self._milliseconds, 1),
        }


def _definition_fields(definition: DefinitionRow) -> dict[str, object]:
    return {"route": definition.route, "definition_id": definition.id}


def _script_fields(script: ScriptRow) -> dict[str, object]:
    return {"script_id": script.id, "script_version": script.version, "script_name": script.name}


def _error_fields(error: TriggerError) -> dict[str, object]:
    return {
        "status": error.status,
        "reason": error.reason,
        "error_code": error.code,
        "error_message": error.message or None,
    }


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
