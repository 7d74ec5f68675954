"""One run out of its records, in whatever order they come.

The record of a higher authority wins (`fleet.records.Authority`). What the caller was told is never overwritten: how
the run ended is then noted beside it.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import models

from endpoint.errors import CATALOGUE, RequestFailedError
from fleet.answer import Reason
from fleet.records import Authority, RunRecord
from foundation.ids import is_run_id, milliseconds_of, parse_uuid
from foundation.times import now_milliseconds
from runs.models import Run

OUTCOME: Final = ("status", "authority", "response_code", "error_code", "reason", "message", "total_milliseconds")
"""The columns that say how a run ended; the record of the higher authority has them."""

_LATER: Final = {"status": "status", "responseCode": "response_code", "errorCode": "error_code"}
_TEXTS: Final = {"reason": "reason", "message": "message"}

_LONGEST: Final = {
    field.attname: field.max_length or sys.maxsize
    for field in Run._meta.concrete_fields
    if isinstance(field, models.CharField | models.TextField)
}
_LARGEST: Final = {
    field.attname: 2**15 - 1 if isinstance(field, models.PositiveSmallIntegerField) else 2**31 - 1
    for field in Run._meta.concrete_fields
    if isinstance(field, models.PositiveIntegerField | models.PositiveSmallIntegerField)
}


def run_id_of(text: str) -> UUID:
    """The id of a run, which tells its time.

    Raises:
        ValueError
    """
    if not is_run_id(text):
        raise ValueError(f"{text!r} is not the id of a run")
    return UUID(text)


def columns(record: RunRecord) -> dict[str, Any]:
    """The columns of a run that has this record only, as every database can store them.

    Raises:
        ValueError: its id is none.
    """
    told = _told(record, run_id_of(record.id))
    for name, longest in _LONGEST.items():
        text = told[name]
        # Most texts fit, and this runs for every trigger.
        if len(text) > longest or not text.isascii() or "\0" in text:
            told[name] = _fitting(text, longest)
    for name, largest in _LARGEST.items():
        if told[name] is not None:
            told[name] = min(max(0, told[name]), largest)
    return told


def _told(record: RunRecord, run_id: UUID) -> dict[str, Any]:
    reason = _reason(record.reason)
    return {
        "id": run_id,
        "kind": str(record.kind),
        "status": str(record.status),
        "authority": int(record.authority),
        "parent_id": uuid_of(record.parent_id),
        "definition_id": uuid_of(record.definition_id),
        "token_id": uuid_of(record.token_id),
        "script_id": uuid_of(record.script_id),
        "script_version": record.script_version or None,
        "script_name": record.script_name,
        "libraries": " ".join(f"{name}@{version}" for name, version in record.libraries),
        "route": record.route,
        "called_route": record.called_route,
        "method": record.method,
        "token_name": "",
        "user": record.user,
        "client_address": record.client_address,
        "node": record.node or None,
        "queue_milliseconds": record.queue_milliseconds,
        "run_milliseconds": record.run_milliseconds,
        "total_milliseconds": _total(record, run_id),
        "response_code": record.response_code,
        "error_code": record.error_code or _error_code(reason),
        "request_bytes": record.request_bytes,
        "response_bytes": record.response_bytes,
        "has_log": record.has_log,
        "log_truncated": record.log_truncated,
        "has_bodies": record.has_bodies,
        "reason": reason,
        "message": record.message,
        "not_kept_warm": record.not_kept_warm,
        "later": "",
    }


def merged(known: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a run that is known already, and has another record."""
    winner, other = (new, known) if _weight(new) > _weight(known) else (known, new)
    both = {name: _either(value, other[name]) for name, value in winner.items()}
    both |= {name: winner[name] for name in OUTCOME}
    if winner["authority"] == Authority.TOLD and other["authority"] == Authority.ENDED:
        both["later"] = _later(other)
    return both


def _weight(columns: Mapping[str, Any]) -> tuple[Any, ...]:
    """Of two records of one authority the earlier one counts: a caller is told something once."""
    total = columns["total_milliseconds"]
    rest = [str(columns[name]) for name in OUTCOME]
    return columns["authority"], -(_LARGEST["total_milliseconds"] + 1 if total is None else total), rest


def _either(value: Any, other: Any) -> Any:
    """What one record does not know, the other may. Zero milliseconds are known."""
    return value or other or (other if value is None else value)


def _later(columns: Mapping[str, Any]) -> str:
    told = {name: columns[column] for name, column in _LATER.items()}
    texts = {name: columns[column] for name, column in _TEXTS.items() if columns[column]}
    return json.dumps(told | texts, ensure_ascii=False)


def _total(record: RunRecord, run_id: UUID) -> int | None:
    """Clocks of machines differ, so the parts say at least how long it took."""
    if record.ended_at is None:
        return None
    parts = (record.queue_milliseconds or 0) + (record.run_milliseconds or 0)
    return max(record.ended_at - milliseconds_of(run_id), parts)


def _reason(reason: str) -> str:
    """The reason in the catalogue; a node says more exactly that a job never started."""
    return RequestFailedError.reason if reason == Reason.NEVER_STARTED else reason


def _error_code(reason: str) -> int | None:
    row = CATALOGUE.get(reason)
    return row.code if row else None


@lru_cache(maxsize=1_000)
def uuid_of(text: str) -> UUID | None:
    return parse_uuid(text) if text else None


def moment_of(milliseconds: int, run_id: UUID) -> datetime:
    """The time of what a run has done. Clocks of machines differ: it was after the acceptance, and is not to come."""
    possible = min(max(milliseconds, milliseconds_of(run_id)), now_milliseconds())
    return datetime.fromtimestamp(possible / 1_000, UTC)


def _fitting(text: str, longest: int) -> str:
    """The text as every database can hold it. PostgreSQL stores no NUL, and no database a lone surrogate."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:longest]


def columns_of(run: Run) -> dict[str, Any]:
    """The columns of a stored run."""
    return {field.attname: getattr(run, field.attname) for field in run._meta.concrete_fields}
