"""Running a job on a worker node: claim it, run its script, hand the outcome back."""

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

from automation import queue
from automation.execution import Execution, job_of
from automation.host.hosts import ScriptHosts
from automation.host.jobs import Job
from automation.host.jobs import Outcome as Ending
from automation.nodes import Heartbeat
from automation.outcome import Outcome, Reason
from automation.results import failure, judge
from automation.scripts import NoScriptError, Script, load, load_by_name
from automation.source import RUN
from udapi_site.logs import TRIGGER_LOGGER

TRIGGER, SUBSCRIPT, PROBE = "trigger", "subscript", "probe"

PROBE_SCRIPT = Script(UUID(int=0), "probe", 1, "def run(engine):\n    pass\n", (), 30, has_run=True)

_log = logging.getLogger(TRIGGER_LOGGER)
_manager_log = logging.getLogger("udapi.manager")
_script_log = logging.getLogger("udapi.script")


class Runner:
    """Runs the jobs of one worker node; safe for its threads."""

    def __init__(self, node_id: int, hosts: ScriptHosts, heartbeat: Heartbeat) -> None:
        self._node_id, self._heartbeat = node_id, heartbeat
        self._execution = Execution(hosts, load_by_name, publish_subscript, _log_line)

    def run(self, job_id: str) -> None:
        """Claim the job and run it, and then whatever else waits in the queue, or comes in a moment.

        A job past its deadline, taken or cancelled is left alone. A node that is to end takes no further one.
        """
        claim = self._claim(job_id)
        while claim is not None:
            claim = self._run(claim)

    def _run(self, claim: queue.Claim) -> queue.Claim | None:
        """Run a job and answer it; the next one."""
        self._heartbeat.count(+1)
        try:
            outcome = self._carry_out(claim)
            waiter = "" if self._heartbeat.is_leaving else f"{self._heartbeat.instance}:{threading.get_ident()}"
            following = self._finish(claim, outcome, waiter)
        except redis.RedisError as error:
            _manager_log.error("trigger=%s could not be answered, the broker failed: %s", claim.job_id, error)
            return None
        finally:
            self._heartbeat.count(-1)
        return following or (self._linger(waiter) if waiter else None)

    def _claim(self, job_id: str) -> queue.Claim | None:
        try:
            claim = queue.claim(job_id, self._heartbeat.instance)
        except redis.RedisError as error:
            _manager_log.error("trigger=%s was not claimed, the broker failed: %s", job_id, error)
            return None
        if claim is None:
            _manager_log.info("trigger=%s is not run: past its deadline, cancelled or taken", job_id)
        return claim

    def _carry_out(self, claim: queue.Claim) -> Outcome:
        begun = time.monotonic()
        job_id, meta = claim.job_id, claim.payload.meta
        _log.info("started trigger=%s kind=%s script=%s version=%s node=%s", *_names(job_id, meta), self._node_id)
        try:
            outcome = self._outcome(claim)
        except NoScriptError as error:
            outcome = failure(Reason.NO_SCRIPT, str(error), self._node_id)
        except Exception:  # noqa: BLE001  whatever it is, the caller is answered
            outcome = failure(Reason.UNEXPECTED, traceback.format_exc(), self._node_id)
        outcome.head.queue_milliseconds = claim.milliseconds_waited
        self._log_end(job_id, meta, outcome, (time.monotonic() - begun) * 1_000)
        return outcome

    def _log_end(self, job_id: str, meta: Mapping[str, Any], outcome: Outcome, milliseconds: float) -> None:
        head = outcome.head
        result = f"code={head.code}" if head.reason is None else f"reason={head.reason}"
        _log.info("ended trigger=%s node=%s %s ms=%.1f", job_id, self._node_id, result, milliseconds)
        if head.message:
            script = f"script={meta['script']} version={meta['version']}"
            _manager_log.error("trigger=%s %s %s: %s", job_id, head.reason, script, head.message)

    def _finish(self, claim: queue.Claim, outcome: Outcome, waiter: str) -> queue.Claim | None:
        """Answer whoever waits; the next job, None when none waits or this thread, `waiter`, is to take none."""
        answer = None if claim.payload.meta["kind"] == SUBSCRIPT else outcome.encode()
        return queue.finish(claim.job_id, answer, self._heartbeat.instance if waiter else "", waiter)

    def _linger(self, waiter: str) -> queue.Claim | None:
        """The job that comes in a moment; Celery's event loop would take longer to hand it over."""
        try:
            return queue.linger(waiter, self._heartbeat.instance)
        except redis.RedisError as error:
            _manager_log.error("the broker failed while a thread waited for the next trigger: %s", error)
            return None

    def _outcome(self, claim: queue.Claim) -> Outcome:
        meta = claim.payload.meta
        script = PROBE_SCRIPT if meta["kind"] == PROBE else load(UUID(meta["script"]), meta["version"])
        left = claim.milliseconds_left / 1_000
        job = job_of(claim.job_id, script, meta, claim.payload.body, _time_limit(meta["kind"], script, left))
        result = self._execution.run(job)
        if result.outcome is Ending.TIMED_OUT and job.time_limit_seconds == left:
            return failure(Reason.CALLER_TIMED_OUT, "The caller's time was over before the script's.", self._node_id)
        return judge(result, self._node_id)


def _time_limit(kind: str, script: Script, left: float) -> float:
    """In seconds. Who is waited for has no more time than is left; other subscripts are for long-running work."""
    if kind == SUBSCRIPT:
        return float(settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return min(left, script.timeout_seconds)


def _names(job_id: str, meta: Mapping[str, Any]) -> tuple[object, ...]:
    return job_id, meta["kind"], meta["script"], meta["version"]


def _log_line(job: Job, line: str) -> None:
    _script_log.info("trigger=%s script=%s: %s", job.trigger_id, job.script_name, line)


def publish_subscript(script: Script, parameters: Mapping[str, str]) -> str:
    """Queue a subscript that nobody waits for; its id.

    Raises:
        automation.queue.NoNodeError, automation.queue.HandOverError, redis.RedisError.
    """
    job_id = str(uuid.uuid4())
    meta = {
        "kind": SUBSCRIPT,
        "script": str(script.id),
        "version": script.version,
        "entry_point": RUN,
        "parameters": dict(parameters),
        "request": {},
    }
    queue.publish(job_id, queue.Payload(meta), settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return job_id
