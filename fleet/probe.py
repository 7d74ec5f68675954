"""Whether a job goes through queue, worker node and script host."""

import uuid

import redis

from automation.source import RUN
from fleet import queue
from fleet.fitness import PROBE_SCRIPT
from fleet.redis_frames import FrameError
from fleet.reply import UnansweredError
from hosts.jobs import Job, JobKind


def probe(timeout_seconds: float) -> bool:
    """Run a script that does nothing on some worker node; whether it succeeded in time."""
    job = Job(str(uuid.uuid4()), JobKind.PROBE, PROBE_SCRIPT.id, PROBE_SCRIPT.version, RUN)
    try:
        return queue.ask(job, timeout_seconds).reason is None
    except (queue.NoNodeError, UnansweredError, FrameError, redis.RedisError):
        return False
