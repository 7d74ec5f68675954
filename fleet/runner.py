"""Running a job on a worker node: claim it, run its script, hand the answer back."""

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import cast

import redis
from django.conf import settings

from automation.source import RUN
from fleet import queue
from fleet.answer import Answer, Reason, failure
from fleet.execution import Execution
from fleet.frames import FrameError
from fleet.heartbeat import Heartbeat
from fleet.results import judge
from fleet.scripts import NoScriptError, load, load_by_name
from hosts.jobs import Assignment, Job, JobKind, Outcome, Script
from hosts.script_hosts import ScriptHosts
from udapi_site.logs import TRIGGER_LOGGER

PROBE_SCRIPT = Script(str(uuid.UUID(int=0)), "probe", 1, "def run(engine):\n    pass\n", timeout_seconds=30)

_log = logging.getLogger(TRIGGER_LOGGER)
_manager_log = logging.getLogger("udapi.manager")
_script_log = logging.getLogger("udapi.script")


class Runner:
    """Runs the jobs of one worker node; safe for its threads.

    `may_take` says whether a thread that hands an answer over is to take another job.
    """

    def __init__(self, node_id: int, hosts: ScriptHosts, heartbeat: Heartbeat, may_take: Callable[[], bool]) -> None:
        self._node_id, self._heartbeat, self._may_take = node_id, heartbeat, may_take
        self._execution = Execution(hosts, load_by_name, publish_subscript, _log_line)
        self._here = threading.local()

    def run(self, job_id: str) -> str | None:
        """Run a job that this thread took or claims now; returns the id of the one taken with the answer.

        A job past its deadline, taken or cancelled is left alone. A node that is to end takes no further one.
        """
        claim = self._taken.pop(job_id, None) or self._claim(job_id)
        following = self._run(claim) if claim else None
        if following is None:
            return None
        self._taken[following.job_id] = following
        return following.job_id

    def abandon(self) -> None:
        """Tell the callers of jobs that this thread has taken, and cannot run, that they never started."""
        while self._taken:
            job_id, _ = self._taken.popitem()
            _manager_log.error("trigger=%s was taken from the queue and could not be run", job_id)
            answer = failure(Reason.NEVER_STARTED, "The worker node could not run the trigger.", self._node_id)
            self._finish(job_id, answer, takes_next=False)

    @property
    def _taken(self) -> dict[str, queue.Claim]:
        """The jobs that this thread has taken and not begun, by id."""
        return cast(dict[str, queue.Claim], self._here.__dict__.setdefault("claims", {}))

    def _claim(self, job_id: str) -> queue.Claim | None:
        try:
            claim = queue.claim(job_id, self._heartbeat.instance)
        except redis.RedisError as error:
            _manager_log.error("trigger=%s was not claimed, the broker failed: %s", job_id, error)
            return None
        if claim is None:
            _manager_log.info("trigger=%s is not run: past its deadline, cancelled or taken", job_id)
        return claim

    def _run(self, claim: queue.Claim) -> queue.Claim | None:
        """Run a job and answer it; the next one."""
        with self._heartbeat.running(claim.job_id):
            answer = self._answer(claim)
            takes_next = self._may_take() and not self._heartbeat.is_leaving
            return self._finish(claim.job_id, answer, takes_next=takes_next)

    def _finish(self, job_id: str, answer: Answer | None, *, takes_next: bool) -> queue.Claim | None:
        # If the answer of Redis is lost, once more, without taking another job.
        for instance in [self._heartbeat.instance, ""] if takes_next else ["", ""]:
            try:
                return queue.finish(job_id, answer, instance)
            except redis.RedisError as error:
                _manager_log.error("trigger=%s could not be answered, the broker failed: %s", job_id, error)
        return None

    def _answer(self, claim: queue.Claim) -> Answer | None:
        """The answer of a job, None where nobody waits for it."""
        try:
            job = claim.job()
        except FrameError as error:
            _manager_log.error("trigger=%s cannot be read: %s", claim.job_id, error)
            return failure(Reason.NEVER_STARTED, str(error), self._node_id)
        begun = time.monotonic()
        names = (job.id, job.kind.lower(), job.script_id, job.script_version, self._node_id)
        _log.info("started trigger=%s kind=%s script=%s version=%s node=%s", *names)
        answer = self._outcome(job, claim)
        self._log_end(job, answer, (time.monotonic() - begun) * 1_000)
        return None if job.kind is JobKind.SUBSCRIPT else answer

    def _outcome(self, job: Job, claim: queue.Claim) -> Answer:
        left, waited = claim.milliseconds_left / 1_000, claim.milliseconds_waited
        try:
            return self._carry_out(job, left, waited)
        except NoScriptError as error:
            return failure(Reason.NO_SCRIPT, str(error), self._node_id, waited)
        except Exception:  # noqa: BLE001  whatever it is, the caller is answered
            return failure(Reason.UNEXPECTED, traceback.format_exc(), self._node_id, waited)

    def _carry_out(self, job: Job, left: float, waited: float) -> Answer:
        script = PROBE_SCRIPT if job.kind is JobKind.PROBE else load(job.script_id, job.script_version)
        assignment = Assignment(job, script, _time_limit(job.kind, script, left))
        result = self._execution.run(assignment)
        if result.outcome is Outcome.TIMED_OUT and assignment.time_limit_seconds == left:
            message = "The caller's time was over before the script's."
            return failure(Reason.CALLER_TIMED_OUT, message, self._node_id, waited)
        return judge(result, self._node_id, waited)

    def _log_end(self, job: Job, answer: Answer, milliseconds: float) -> None:
        result = f"code={answer.code}" if answer.reason is None else f"reason={answer.reason}"
        _log.info("ended trigger=%s node=%s %s ms=%.1f", job.id, self._node_id, result, milliseconds)
        if answer.message:
            script = f"script={job.script_id} version={job.script_version}"
            _manager_log.error("trigger=%s %s %s: %s", job.id, answer.reason, script, answer.message)


def _time_limit(kind: JobKind, script: Script, left: float) -> float:
    """The limit in seconds: for a job that is waited for, also the caller's remaining time."""
    if kind is JobKind.SUBSCRIPT:
        return float(settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return min(left, script.timeout_seconds)


def _log_line(assignment: Assignment, line: str) -> None:
    _script_log.info("trigger=%s script=%s: %s", assignment.job.id, assignment.script.name, line)


def publish_subscript(script: Script, parameters: Mapping[str, str]) -> str:
    """Queue a subscript that nobody waits for; its id.

    Raises:
        fleet.queue.NoNodeError, fleet.queue.UnansweredError, fleet.frames.FrameError, redis.RedisError.
    """
    job = Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, script.id, script.version, RUN, parameters)
    queue.publish(job, settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return job.id
