"""Subscripts that no caller waits for: jobs of their own."""

from collections.abc import Mapping

from django.conf import settings

from automation.source import RUN
from fleet import queue, run_spans
from foundation.ids import new_run_id
from hosts.jobs import Assignment, Job, JobKind, Origin, RunKind, Script


def publish_subscript(caller: Assignment, script: Script, parameters: Mapping[str, str]) -> str:
    """Queue a subscript of the run `caller` that nobody waits for; returns the id of its job.

    Raises:
        fleet.queue.NoNodeError, fleet.cancellation.UnansweredError, fleet.redis_frames.FrameError, redis.RedisError.
    """
    what = new_run_id(), JobKind.SUBSCRIPT, script.id, script.version
    origin = Origin(RunKind.SUBSCRIPT, parent_id=caller.run_id)
    job = Job(*what, RUN, parameters, script_name=script.name, content_hash=script.content_hash, origin=origin)
    job = run_spans.placed(job, run_spans.place_of(caller.job))
    queue.publish(job, settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return job.id
