"""Counts runs in the process that leaves their record."""

from fleet.answer import Answer
from fleet.records import RunRecord
from foundation.metrics import QUEUE_SECONDS, RUN_SECONDS, RUNS, meters


def count(record: RunRecord) -> None:
    """Count a run by its kind and status."""
    meters.add(RUNS, (record.kind, record.status))


def ended(record: RunRecord, answer: Answer) -> None:
    """Count a run of this node, and what it took. A subscript that is waited for was in no queue."""
    count(record)
    if record.queue_milliseconds is not None:
        meters.observe(QUEUE_SECONDS, (record.kind,), record.queue_milliseconds / 1_000)
    meters.observe(RUN_SECONDS, (record.kind,), answer.run_milliseconds / 1_000)
