"""Times as text."""

from datetime import UTC, datetime


def iso_utc(moment: datetime, timespec: str = "auto") -> str:
    """`moment` in ISO 8601, in UTC with `Z`; `timespec` as `datetime.isoformat` takes it."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
