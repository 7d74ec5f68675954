"""What the web server knows about a run. It leaves the record of a run that no worker node records."""

from typing import Any
from uuid import UUID

import msgspec
import redis

from definitions.lookups import DefinitionRow, ScriptRow
from definitions.models import KeepBodies
from endpoint import errors
from endpoint.trigger_request import TriggerRequest, content_type
from fleet import kept_bodies, records, run_metrics
from fleet.answer import Answer
from fleet.record_buffer import RecordBuffer, record_buffer
from fleet.records import Authority, RunExtras, RunRecord, RunStatus
from foundation.times import now_milliseconds
from hosts.jobs import Origin, RunKind

_FAILED = frozenset({8, 12, 13, 17, 1002, 1004, 1005, 1012, 1013})


class RunNote:
    """The note on one run, from the moment at which it is certain that there is one."""

    def __init__(self, run_id: str, kind: RunKind, **known: Any) -> None:
        self.record = RunRecord(id=run_id, authority=Authority.TOLD, status=RunStatus.REFUSED, kind=kind, **known)
        self._is_recorded = False
        self._definition: DefinitionRow | None = None
        self._request = b""

    def calls(self, definition: DefinitionRow, request: TriggerRequest, token_id: UUID | None) -> None:
        """Note what is called, and with which token."""
        self._definition, record = definition, self.record
        record.definition_id, record.route = str(definition.id), definition.route
        record.called_route, record.method = request.route, request.method
        record.token_id = str(token_id or "")

    def runs(self, script: ScriptRow) -> None:
        """Note which script answers."""
        self.record.script_id, self.record.script_name = str(script.id), script.name
        self.record.script_version = script.version or 0

    def origin(self, request: bytes = b"", *, request_bytes: int, wants_log: bool = False) -> Origin:
        """What goes into the job; `request` is what is kept of the request."""
        record, definition = self.record, self._definition
        record.request_bytes, self._request = request_bytes, request
        return Origin(
            kind=record.kind,
            parent_id=record.parent_id,
            definition_id=record.definition_id,
            route=record.route,
            user=record.user,
            client_address=record.client_address,
            keep_bodies=definition.keep_bodies if definition else "Nothing",
            request=request,
            request_bytes=request_bytes,
            wants_log=wants_log,
            max_concurrent=(definition.max_concurrent if definition else None) or 0,
        )

    def answered(self, answer: Answer) -> Answer:
        """Take over the answer of a node. One of the release before leaves no record."""
        self._is_recorded = answer.is_recorded
        if not answer.is_recorded and answer.reason is None:
            records.note_answer(self.record, answer)
            if self._keeps_failures_only and self.record.status is RunStatus.SUCCEEDED:
                self._request = b""
            self._leave(record_buffer())
        return answer

    @property
    def _keeps_failures_only(self) -> bool:
        return self._definition is not None and self._definition.keep_bodies == KeepBodies.FAILURES

    def told(self, error: errors.TriggerError) -> None:
        """Note which error the caller is told."""
        if self._is_recorded:
            return
        record = self.record
        record.status, record.error_code, record.reason = _status(error), error.code, error.reason
        record.message, record.node = error.message[: records.LONGEST_MESSAGE], error.node or 0
        self._leave(record_buffer(), is_urgent=record.status is RunStatus.UNANSWERED and not _lacks_broker(error))

    def _leave(self, buffer: RecordBuffer, *, is_urgent: bool = False) -> None:
        record, self._is_recorded = self.record, True
        record.ended_at, record.has_bodies = now_milliseconds(), bool(self._request)
        run_metrics.count(record)
        extras = RunExtras(id=record.id, request=self._request, unmasked_script_id=record.script_id)
        kept = record, extras if self._request else None
        if is_urgent:
            # The trigger has reached a node: its record must not be lost with this process.
            buffer.send(kept)
        else:
            buffer.add(kept)


def _status(error: errors.TriggerError) -> RunStatus:
    if isinstance(error, errors.RequestFailedError):
        return RunStatus.NEVER_STARTED if error.detail == errors.NEVER_STARTED else RunStatus.UNANSWERED
    if isinstance(error, errors.RunCancelledError):
        return RunStatus.CANCELLED
    return RunStatus.FAILED if error.code in _FAILED else RunStatus.REFUSED


def _lacks_broker(error: BaseException | None) -> bool:
    """Whether the broker failed. Then nobody waits for it once more."""
    while error is not None and not isinstance(error, redis.RedisError):
        error = error.__cause__
    return error is not None


def kept_request(definition: DefinitionRow, request: TriggerRequest, body: bytes) -> bytes:
    """What is kept of a request, masked and cut; nothing unless the definition says so."""
    if definition.keep_bodies == KeepBodies.NOTHING:
        return b""
    headers = list(request.headers)
    return msgspec.json.encode(kept_bodies.keep_request(request.query, headers, body, content_type(headers)))
