"""Whether a job goes through queue, worker node and script host."""

import uuid

import redis

from automation import queue
from automation.outcome import Outcome
from automation.runner import PROBE, PROBE_SCRIPT
from automation.source import RUN


def probe(timeout_seconds: float) -> bool:
    """Run a script that does nothing on some worker node; whether it succeeded in time."""
    job_id = str(uuid.uuid4())
    meta = {
        "kind": PROBE,
        "script": str(PROBE_SCRIPT.id),
        "version": PROBE_SCRIPT.version,
        "entry_point": RUN,
        "parameters": {},
        "request": {},
    }
    try:
        outcome = Outcome.decode(queue.ask(job_id, queue.Payload(meta), timeout_seconds))
    except (queue.NoNodeError, queue.HandOverError, queue.UnansweredError, redis.RedisError):
        return False
    return outcome.head.reason is None
