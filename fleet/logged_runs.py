"""The lines that a run leaves in `manager.log`: its start, its end, what its script says and why it failed."""

import logging
from typing import NamedTuple

from fleet.answer import Answer
from fleet.script_cache import log_label
from foundation.log_formats import LogEntry
from foundation.logs import TRIGGER_LOGGER
from hosts.jobs import Job, Script

_log = logging.getLogger(TRIGGER_LOGGER)
_manager_log = logging.getLogger("udapi.manager")
_script_log = logging.getLogger("udapi.script")


class LoggedScript(NamedTuple):
    """A script as the lines of a run name it; `label` is how the text does."""

    id: str
    version: int
    name: str
    label: str

    @classmethod
    def of(cls, named: Script) -> "LoggedScript":
        return cls(named.id, named.version, named.name, log_label(named.id, named.version, named.name))

    @classmethod
    def of_job(cls, job: Job, found: Script | Answer) -> "LoggedScript":
        """The script as it was found, or else as the job names it."""
        if isinstance(found, Script):
            return cls.of(found)
        known = job.script_id, job.script_version, job.script_name
        return cls(*known, log_label(*known))

    def fields(self) -> dict[str, object]:
        return {"script_id": self.id, "script_version": self.version or None, "script_name": self.name}


class _RunEntry(LogEntry):
    __slots__ = ("_fields", "_message", "_script", "_text", "_trigger_id")

    def __init__(self, text: str, message: str, trigger_id: str, script: LoggedScript, **fields: object) -> None:
        self._text, self._message, self._trigger_id = text, message, trigger_id
        self._script, self._fields = script, fields

    def __str__(self) -> str:
        return self._text

    def fields(self) -> dict[str, object]:
        return {"message": self._message, "trigger_id": self._trigger_id, **self._script.fields(), **self._fields}


def started(job: Job, node: int, script: LoggedScript) -> None:
    kind = job.kind.lower()
    text = f"started trigger={job.id} kind={kind} node={node} {script.label}"
    _log.info(_RunEntry(text, "run started", job.id, script, kind=kind, node=node, **_called(job)))


def ended(job: Job, node: int, script: LoggedScript, answer: Answer, milliseconds: float) -> None:
    """Log how it ended; if it failed, a second line says why."""
    result = f"code={answer.code}" if answer.reason is None else f"reason={answer.reason}"
    text = f"ended trigger={job.id} node={node} {result} ms={milliseconds:.1f} {script.label}"
    outcome: dict[str, object] = {"status": answer.code} if answer.reason is None else {"reason": answer.reason}
    fields = {"node": node, **_called(job), **outcome, "milliseconds": round(milliseconds, 1)}
    _log.info(_RunEntry(text, "run ended", job.id, script, **fields))
    if answer.message and answer.reason is not None:
        _tell_failure(job, script, answer.reason, answer.message)


def _tell_failure(job: Job, script: LoggedScript, reason: str, why: str) -> None:
    text = f"trigger={job.id} {reason} {script.label}: {why}"
    _manager_log.error(_RunEntry(text, "run failed", job.id, script, reason=reason, exception=why))


def said(job: Job, script: Script, line: str) -> None:
    """Log a line that the script printed or logged."""
    logged = LoggedScript.of(script)
    _script_log.info(_RunEntry(f"trigger={job.id} {logged.label}: {line}", line, job.id, logged))


def _called(job: Job) -> dict[str, object]:
    origin = job.origin
    return {"route": origin.route or None, "definition_id": origin.definition_id or None} if origin else {}
