"""Times: as text, and as milliseconds since 1970."""

import time
from datetime import UTC, datetime


def iso_utc(moment: datetime, timespec: str = "auto") -> str:
    """`moment` in ISO 8601, in UTC with `Z`; `timespec` as `datetime.isoformat` takes it."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def now_milliseconds() -> int:
    return time.time_ns() // 1_000_000
