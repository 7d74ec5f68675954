"""The probe: a script that does nothing, run to find out whether this process or the fleet can run scripts."""

import logging
import uuid

import redis

from automation.source import RUN
from fleet import queue
from fleet.cancellation import UnansweredError
from fleet.redis_frames import FrameError
from hosts.jobs import Assignment, Job, JobKind, Outcome, Script, SubscriptAnswer
from hosts.script_hosts import ScriptHosts

# It never reuses a process: a script whose version is new to the node cannot do so either.
PROBE_SCRIPT = Script(
    str(uuid.UUID(int=0)), "probe", 1, "def run(engine):\n    pass\n", timeout_seconds=30, reuse=False
)

_log = logging.getLogger("udapi.manager")


def find_fault(hosts: ScriptHosts) -> str:
    """Run the script in a script host of its own; returns why it failed, or an empty text."""
    assignment = Assignment(_job(), PROBE_SCRIPT, PROBE_SCRIPT.timeout_seconds)
    result = hosts.run(assignment, _log.warning, lambda *_: SubscriptAnswer(ok=False))
    return "" if result.outcome is Outcome.SUCCEEDED else result.message or result.outcome


def probe(timeout_seconds: float) -> bool:
    """Run the script on some worker node; returns whether it succeeded in time."""
    try:
        return queue.ask(_job(), timeout_seconds).reason is None
    except (queue.NoNodeError, UnansweredError, FrameError, redis.RedisError):
        return False


def _job() -> Job:
    what = str(uuid.uuid4()), JobKind.PROBE, PROBE_SCRIPT.id, PROBE_SCRIPT.version
    return Job(*what, RUN, has_credentials=False)
