"""Ids: as text, and those of runs, which sort by time."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = 80
_VERSION = 7
_VERSION_7, _RFC_VARIANT = _VERSION << 76, 0b10 << 62
_VERSION_MASK, _VARIANT_MASK = 0xF << 76, 0b11 << 62
_LAST_MILLISECOND = 2**48 - 1


def parse_uuid(text: str) -> UUID | None:
    """The UUID that `text` spells in any form that `uuid.UUID` reads, else None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def new_run_id() -> str:
    """A UUID of version 7 (RFC 9562): it begins with the time, so runs sort by when they were accepted."""
    return str(_uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(_RANDOM_BITS // 8))))


def first_id_at(moment: datetime) -> UUID:
    """The smallest id of a run that is accepted at `moment` or later; times before 1970 count as 1970."""
    milliseconds = int(moment.timestamp() * 1_000)
    return _uuid7(min(max(0, milliseconds), _LAST_MILLISECOND), 0)


def milliseconds_of(run_id: UUID) -> int:
    """When a run was accepted, in milliseconds since 1970."""
    return run_id.int >> _RANDOM_BITS


def time_of(run_id: UUID) -> datetime:
    """When a run was accepted.

    Raises:
        ValueError, OverflowError: `is_run_id` is false.
    """
    return datetime.fromtimestamp(milliseconds_of(run_id) / 1_000, UTC)


def is_run_id(text: str) -> bool:
    """Whether a text is the id of a run, which tells a time that Python can express."""
    known = parse_uuid(text)
    try:
        return known is not None and known.version == _VERSION and time_of(known) is not None
    except (ValueError, OverflowError):
        return False


def _uuid7(milliseconds: int, random: int) -> UUID:
    rest = random & ~(_VERSION_MASK | _VARIANT_MASK) | _VERSION_7 | _RFC_VARIANT
    return UUID(int=milliseconds << _RANDOM_BITS | rest)
