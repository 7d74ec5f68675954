"""The record of a run, as it travels from the process that knows how the run ended to the database.

A run has an id of its own (`foundation.ids.new_run_id`), and may leave several records: a node says how it ended, a web
server what the caller was told instead. Whoever stores them merges them by id, in any order.
"""

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Any

import msgspec

from fleet.answer import Answer, Reason
from hosts.jobs import Job, Origin, RunKind, Script

LONGEST_MESSAGE = 16 * 1024
"""In characters."""

LARGEST_LOG_BYTES = 64 * 1024

MOST_SAID, LONGEST_SAID = 10, 1_000
"""How many information events a run may leave, and of how many characters each."""

MOST_CREDENTIALS = 1_000

FIRST_FAILING_CODE = 500


class RunStatus(StrEnum):
    """What has become of a run."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    REFUSED = "Refused"  # by a check before the script
    CANCELLED = "Cancelled"
    NEVER_STARTED = "NeverStarted"
    UNANSWERED = "Unanswered"  # it may have run


class Authority(IntEnum):
    """Who says so. The record of a higher authority beats that of a lower one, whichever is stored first."""

    SEEN_WAITING = 0
    SEEN_RUNNING = 1
    PRESUMED = 2  # neither a record nor a trace is left
    ENDED = 3  # the node that ran it
    TOLD = 4  # what the caller heard instead


class RunRecord(msgspec.Struct, array_like=True, kw_only=True):
    """All times are milliseconds; `ended_at` is since 1970. `error_code` is None where only `reason` is known.

    `source` and `number` name the record: each process that makes records counts its own. `said` is what the script has
    said with `engine.information`, each text with its time since 1970. `credentials_used` are ids.
    """

    id: str
    authority: Authority
    status: RunStatus
    kind: RunKind
    source: str = ""
    number: int = 0
    parent_id: str = ""
    definition_id: str = ""
    route: str = ""
    called_route: str = ""
    method: str = ""
    script_id: str = ""
    script_name: str = ""
    script_version: int = 0
    libraries: Sequence[tuple[str, int]] = ()
    token_id: str = ""
    user: str = ""
    client_address: str = ""
    node: int = 0
    queue_milliseconds: int | None = None
    run_milliseconds: int | None = None
    ended_at: int | None = None
    response_code: int | None = None
    error_code: int | None = None
    reason: str = ""
    message: str = ""
    request_bytes: int = 0
    response_bytes: int = 0
    has_log: bool = False
    log_truncated: bool = False
    has_bodies: bool = False
    not_kept_warm: str = ""
    said: Sequence[tuple[int, str]] = ()
    credentials_used: Sequence[str] = ()


class RunExtras(msgspec.Struct, array_like=True, kw_only=True):
    """What a run leaves besides its record. Each line of `log` is its milliseconds since the start, a tab, the text.

    `unmasked_script_id` is that of the script if nobody has looked for values of its credentials in the request.
    """

    id: str
    log: str = ""
    request: bytes = b""
    response: bytes = b""
    unmasked_script_id: str = ""


_ENCODER = msgspec.msgpack.Encoder()
_RECORDS, _EXTRAS = msgspec.msgpack.Decoder(RunRecord), msgspec.msgpack.Decoder(RunExtras)

Kept = tuple[RunRecord, RunExtras | None]
"""A record, with the log and the bodies of its run."""


def encode(kept: Kept) -> tuple[bytes, bytes]:
    record, extras = kept
    return _encoded(record), b"" if extras is None else _encoded(extras)


def _encoded(part: msgspec.Struct) -> bytes:
    try:
        return _ENCODER.encode(part)
    except UnicodeEncodeError:
        # A lone surrogate, which a script may raise, print or say.
        valid = {name: _valid(value) for name, value in msgspec.structs.asdict(part).items()}
        return _ENCODER.encode(msgspec.structs.replace(part, **valid))


def _valid(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case list() | tuple():
            return [_valid(each) for each in value]
    return value


def decode_record(frame: bytes) -> RunRecord:
    """The record. What its script has said and read is cut to what a run may leave.

    Raises:
        msgspec.MsgspecError
    """
    record = _RECORDS.decode(frame)
    if record.said:
        record.said = [(moment, text[:LONGEST_SAID]) for moment, text in record.said[:MOST_SAID]]
    if record.credentials_used:
        record.credentials_used = record.credentials_used[:MOST_CREDENTIALS]
    return record


def decode_extras(frame: bytes) -> RunExtras:
    """Raises msgspec.MsgspecError."""
    return _EXTRAS.decode(frame)


def of_job(job: Job, authority: Authority, status: RunStatus) -> RunRecord:
    """What a job says about its run."""
    origin, call = job.origin or Origin(RunKind.TRIGGER), job.call
    return RunRecord(
        id=job.id,
        authority=authority,
        status=status,
        kind=origin.kind,
        parent_id=origin.parent_id,
        definition_id=origin.definition_id,
        route=origin.route,
        called_route=call.route if call else "",
        method=call.method if call else "",
        script_id=job.script_id,
        script_name=job.script_name,
        script_version=0 if job.trial else job.script_version,
        token_id=call.token_id if call else "",
        user=origin.user,
        client_address=origin.client_address,
        request_bytes=origin.request_bytes,
    )


def name_script(record: RunRecord, script: Script) -> None:
    """Note exactly what runs, with the libraries."""
    record.script_id, record.script_name, record.script_version = script.id, script.name, script.version
    record.libraries = [(library.name, library.version) for library in script.libraries]


def note_answer(record: RunRecord, answer: Answer) -> None:
    """Note how the run ended."""
    record.status = status_of(answer)
    record.node = answer.node
    record.queue_milliseconds, record.run_milliseconds = (
        round(answer.queue_milliseconds),
        round(answer.run_milliseconds),
    )
    record.reason, record.message = answer.reason or "", answer.message[:LONGEST_MESSAGE]
    record.response_code = answer.code if answer.reason is None else None
    record.response_bytes = len(answer.body)


_STATUSES: dict[str, RunStatus] = {
    Reason.NO_SCRIPT: RunStatus.REFUSED,
    Reason.CALLER_TIMED_OUT: RunStatus.UNANSWERED,
    Reason.NEVER_STARTED: RunStatus.NEVER_STARTED,
    Reason.CANCELLED: RunStatus.CANCELLED,
}


def status_of(answer: Answer) -> RunStatus:
    """The status that follows from an answer."""
    if answer.reason is None:
        return RunStatus.SUCCEEDED if answer.code < FIRST_FAILING_CODE else RunStatus.FAILED
    return _STATUSES.get(answer.reason, RunStatus.FAILED)
