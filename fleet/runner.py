"""Runs a job on a worker node: claims it, runs its script, hands the answer back."""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import redis
from django.conf import settings

from fleet import claims, logged_runs, run_spans
from fleet.answer import Answer, Reason, answer_of, failure
from fleet.execution import Execution
from fleet.fitness import Fitness
from fleet.heartbeat import Heartbeat
from fleet.live_runs import LiveRun, LiveRuns
from fleet.logged_runs import LoggedScript
from fleet.probe import PROBE_SCRIPT
from fleet.record_buffer import RecordBuffer
from fleet.records import name_script
from fleet.redis_frames import FrameError
from fleet.reply import LATE_MILLISECONDS
from fleet.run_recorder import Frames, RunRecorder
from fleet.script_cache import NoScriptError, credentials_of, load, load_by_name, shown_name, tried
from fleet.subscripts import publish_subscript
from foundation import log_context
from foundation.logs import TRIGGER_LOGGER
from hosts.cancel_signal import CancelSignal
from hosts.jobs import Assignment, Job, JobKind, Outcome, Script
from hosts.run_loop import RunLoop
from hosts.script_hosts import ScriptHosts

_RETRY_SECONDS = 0.5
_UNREADABLE_SECONDS = 0.2

Result = TypeVar("Result")

_log = logging.getLogger(TRIGGER_LOGGER)
_manager_log = logging.getLogger("udapi.manager")


class _NotBegunError(Exception):
    """A job whose script was not begun, and which another node may run."""


class _OfThread(threading.local):
    """What belongs to one thread: the jobs that it has taken and not yet begun, and what cancels its runs."""

    def __init__(self) -> None:
        self.taken: dict[str, claims.Claim] = {}
        # One for all runs: to make it takes a tenth of a short run's time.
        self.signal = CancelSignal()


class Runner:
    """Runs the jobs of one worker node; safe for its threads.

    `may_take` returns whether a thread that hands over an answer may take another job.
    """

    def __init__(
        self,
        node_id: int,
        hosts: ScriptHosts,
        heartbeat: Heartbeat,
        fitness: Fitness,
        may_take: Callable[[], bool],
    ) -> None:
        self._node_id, self._heartbeat, self._fitness, self._may_take = node_id, heartbeat, fitness, may_take
        self.live, self.buffer = LiveRuns(heartbeat.instance), RecordBuffer(heartbeat.instance)
        self._recorder = RunRecorder(node_id, self.live, self.buffer)
        hears = self._on_line, self._on_said, fitness.doubt, self._recorder.run_waited
        self._execution = Execution(hosts, load_by_name, publish_subscript, *hears, granted=credentials_of)
        heartbeat.last_record = lambda: self.buffer.last_number
        self._here = _OfThread()

    def run(self, job_id: str) -> str | None:
        """Run a job, which this thread has taken or claims now; returns the id of a job taken with the answer.

        A job that is past its deadline, taken or cancelled is left alone. A node that leaves takes no further job.
        """
        with log_context.bound(job_id):
            claim = self._here.taken.pop(job_id, None) or self._claim(job_id)
            following = self._run(claim) if claim else None
        if following is None:
            return None
        self._here.taken[following.job_id] = following
        return following.job_id

    def abandon(self) -> None:
        """Answer jobs that this thread has taken and cannot run: they never started."""
        while self._here.taken:
            job_id, claim = self._here.taken.popitem()
            _manager_log.error("trigger=%s was taken from the queue and could not be run", job_id)
            answer = failure(Reason.NEVER_STARTED, "The worker node could not run the trigger.", self._node_id)
            self._finish(claim, answer, [], takes_next=False)

    def stop(self) -> None:
        """Send the records that wait, and stop telling what goes on."""
        self.live.stop()
        self.buffer.flush()

    def _claim(self, job_id: str) -> claims.Claim | None:
        try:
            claim = claims.claim(job_id, self._heartbeat.instance)
        except redis.RedisError as error:
            _manager_log.error("trigger=%s was not claimed, the broker failed: %s", job_id, error)
            return None
        except claims.ForeignFormatError as error:
            self._leave_to_others(job_id, error)
            return None
        if claim is None:
            _manager_log.info("trigger=%s is not run: past its deadline, cancelled or taken", job_id)
        return claim

    def _leave_to_others(self, job_id: str, error: claims.ForeignFormatError) -> None:
        """Queue a job again for a node of another release, after a pause: this node may be the next to fetch it."""
        _manager_log.error("trigger=%s is left to other worker nodes: %s", job_id, error)
        time.sleep(_UNREADABLE_SECONDS)
        try:
            claims.put_back(job_id)
        except redis.RedisError as failed:
            _manager_log.error("trigger=%s was not put back, the broker failed: %s", job_id, failed)

    def _run(self, claim: claims.Claim) -> claims.Claim | None:
        """Run a job and answer it; returns the next job, if one was taken."""
        with self._heartbeat.running(claim.job_id, claim.script_id, claim.asked_at):
            if not self._fitness.is_fit:
                self._give_back(claim, "The job was on its way when the node left the fleet.", is_failure=False)
                return None
            try:
                answer, frames = self._answer(claim)
            except _NotBegunError as error:
                self._give_back(claim, str(error), is_failure=True)
                return None
            takes_next = self._may_take() and not self._heartbeat.is_leaving
            return self._finish(claim, answer, frames, takes_next=takes_next)

    def _give_back(self, claim: claims.Claim, why: str, *, is_failure: bool) -> None:
        """Let another node run the job. If the broker fails, the caller learns that the job may have run."""
        try:
            waits = claims.give_back(claim, self._heartbeat.instance, is_failure=is_failure)
        except redis.exceptions.OutOfMemoryError:
            # Nothing has been written yet: the body of the job comes first.
            answer = failure(Reason.NEVER_STARTED, "Redis has no room for a job that is given back.", self._node_id)
            self._finish(claim, answer, [], takes_next=False)
            return
        except redis.RedisError as error:
            _manager_log.error("trigger=%s could not be given back, the broker failed: %s", claim.job_id, error)
            return
        what = "given back" if waits else "given up by its caller"
        _log.info("%s trigger=%s node=%s: %s", what, claim.job_id, self._node_id, why)

    def _finish(
        self, claim: claims.Claim, answer: Answer | None, frames: Frames, *, takes_next: bool
    ) -> claims.Claim | None:
        """Hand over the answer and the records; retries until the caller's deadline.

        Only the first attempt takes a next job.
        """
        instance = self._heartbeat.instance if takes_next else ""
        while True:
            try:
                return claims.finish(claim, answer, instance, frames)
            except redis.RedisError as error:
                _manager_log.error("trigger=%s could not be answered, the broker failed: %s", claim.job_id, error)
            if answer is None or self._heartbeat.is_leaving or time.monotonic() > claim.deadline:
                self.buffer.add_frames(*frames)
                return None
            instance = ""
            time.sleep(_RETRY_SECONDS)

    def _answer(self, claim: claims.Claim) -> tuple[Answer | None, Frames]:
        """The answer to a job, None if nobody waits for it; and the records of its runs."""
        try:
            job = claim.job()
        except FrameError as error:
            _manager_log.error("trigger=%s cannot be read: %s", claim.job_id, error)
            return failure(Reason.NEVER_STARTED, str(error), self._node_id), []
        run = self._recorder.beginning(job, claim.milliseconds_waited, self._here.signal)
        with self.live.running(run), run_spans.of_run(job, claim, self._node_id) as span:
            log_context.trace_id.set(span.context.trace_id)
            answer = self._result(claim, run_spans.placed(job, span.context), run)
            run_spans.note_run(span, run.record, answer)
        frames = self._recorder.ended(run, job, answer)
        if job.kind is JobKind.SUBSCRIPT:
            return None, frames
        log = run.log.text() if job.origin and job.origin.wants_log else ""
        return replace(answer, log=log, is_recorded=bool(frames)), frames

    def _result(self, claim: claims.Claim, job: Job, run: LiveRun) -> Answer:
        begun = time.monotonic()
        found = self._guarded(claim, partial(_script_of, job))
        script = LoggedScript.of_job(job, found)
        logged_runs.started(job, self._node_id, script)
        if isinstance(found, Answer):
            answer = found
        else:
            name_script(run.record, found)
            answer = self._guarded(claim, partial(self._carry_out, job, found, claim, run))
        logged_runs.ended(job, self._node_id, script, answer, (time.monotonic() - begun) * 1_000)
        if isinstance(found, Script) and answer.reason is not None:
            told = answer.message or answer.reason
            answer = replace(answer, message=f"{shown_name(found)}: {told}")
        return answer

    def _guarded(self, claim: claims.Claim, step: Callable[[], Result]) -> Result | Answer:
        """The result of `step`, or the answer to a job for which it has raised."""
        waited = claim.milliseconds_waited
        try:
            return step()
        except NoScriptError as error:
            return failure(Reason.NO_SCRIPT, str(error), self._node_id, waited)
        except _NotBegunError:
            raise
        except Exception:  # noqa: BLE001  the caller is answered in any case
            return failure(Reason.UNEXPECTED, traceback.format_exc(), self._node_id, waited)

    def _carry_out(self, job: Job, script: Script, claim: claims.Claim, run: LiveRun) -> Answer:
        waited = claim.milliseconds_waited
        left = claim.deadline - time.monotonic()
        if left <= 0:
            return failure(Reason.NEVER_STARTED, "The claim of the job came too late.", self._node_id, waited)
        start_by = partial(self._start_by, claim)
        seconds = _time_limit(job.kind, script, left)
        assignment = Assignment(job, script, seconds, start_by=start_by, run_id=job.id, masks=run.masks)
        result = run.told(self._execution.run(assignment, RunLoop(run.signal)))
        if result.outcome is Outcome.TIMED_OUT and assignment.time_limit_seconds == left:
            message = "The caller's time was over before the script's."
            return failure(Reason.CALLER_TIMED_OUT, message, self._node_id, waited)
        if result.outcome is Outcome.COULD_NOT_START and not claim.was_given_back:
            raise _NotBegunError(result.message)
        return answer_of(result, self._node_id, waited)

    def _start_by(self, claim: claims.Claim) -> float:
        """Until when the script may begin, on the monotonic clock; 0 if it may not.

        Callers give a job up if no heartbeat says in time that it runs, or if they cannot reach Redis. So a script
        begins within a second after the claim, or after a check that the caller still waits.
        """
        late, checked_at = LATE_MILLISECONDS / 1_000, claim.asked_at
        # With less than half the time left, a slow process might begin too late.
        if time.monotonic() > min(claim.asked_at + late / 2, self._heartbeat.ends_at):
            checked_at = time.monotonic()
            if not self._is_held(claim):
                return 0.0
        return min(claim.deadline, self._heartbeat.ends_at, checked_at + late)

    def _is_held(self, claim: claims.Claim) -> bool:
        """Whether the caller still waits for the job, as far as Redis knows."""
        try:
            self._heartbeat.beat()
            return claims.is_held(claim.job_id, self._heartbeat.instance)
        except redis.RedisError as error:
            _manager_log.error("trigger=%s is not run, the broker failed: %s", claim.job_id, error)
            return False

    def _on_line(self, assignment: Assignment, line: str) -> None:
        logged_runs.said(assignment.job, assignment.script, line)
        if run := self.live.find(assignment.run_id):
            run.log.add(line)

    def _on_said(self, assignment: Assignment, text: str) -> None:
        """Leave an information event, and its lines in the log."""
        if (run := self.live.find(assignment.run_id)) and run.say(text):
            for line in f"[information] {text}".split("\n"):
                self._on_line(assignment, line.rstrip("\r"))


def _script_of(job: Job) -> Script:
    if job.kind is JobKind.PROBE:
        return PROBE_SCRIPT
    if job.trial is not None:
        return tried(job.script_id, job.script_name, job.trial)
    return load(job.script_id, job.script_version, job.script_name, job.content_hash)


def _time_limit(kind: JobKind, script: Script, left: float) -> float:
    """The limit in seconds: for a job that is waited for, also the caller's remaining time."""
    if kind is JobKind.SUBSCRIPT:
        return float(settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return min(left, script.timeout_seconds)
