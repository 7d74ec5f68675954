"""Running a job on a worker node: claim it, run its script, hand the outcome back."""

import logging
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

from automation import queue
from automation.host.hosts import ScriptHosts
from automation.host.jobs import HostResult, Job, SubscriptAnswer
from automation.host.jobs import Outcome as Ending
from automation.host.watch import Watch
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
        self._node_id, self._hosts, self._heartbeat = node_id, hosts, heartbeat

    def run(self, job_id: str) -> None:
        """Claim the job and run it; a job past its deadline, taken or cancelled is left alone."""
        try:
            claim = queue.claim(job_id, self._heartbeat.instance)
        except redis.RedisError as error:
            _manager_log.error("trigger=%s was not claimed, the broker failed: %s", job_id, error)
            return
        if claim is None:
            _manager_log.info("trigger=%s is not run: past its deadline, cancelled or taken", job_id)
            return
        self._heartbeat.count(+1)
        try:
            self._answer(job_id, claim.payload, self._carry_out(job_id, claim))
        finally:
            self._heartbeat.count(-1)

    def _carry_out(self, job_id: str, claim: queue.Claim) -> Outcome:
        begun = time.monotonic()
        meta = claim.payload.meta
        _log.info("started trigger=%s kind=%s script=%s version=%s node=%s", *_names(job_id, meta), self._node_id)
        try:
            outcome = self._outcome(job_id, claim)
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

    def _answer(self, job_id: str, payload: queue.Payload, outcome: Outcome) -> None:
        try:
            if payload.meta["kind"] == SUBSCRIPT:
                queue.forget(job_id)
            else:
                queue.reply(job_id, outcome.encode())
        except redis.RedisError as error:
            _manager_log.error("trigger=%s could not be answered, the broker failed: %s", job_id, error)

    def _outcome(self, job_id: str, claim: queue.Claim) -> Outcome:
        meta = claim.payload.meta
        script = PROBE_SCRIPT if meta["kind"] == PROBE else load(UUID(meta["script"]), meta["version"])
        left = claim.milliseconds_left / 1_000
        job = Job(
            trigger_id=job_id,
            script_name=script.name,
            script_version=script.version,
            source=script.source,
            entry_point=meta["entry_point"],
            time_limit_seconds=_time_limit(meta["kind"], script, left),
            request=meta["request"],
            raw_body=claim.payload.body,
            parameters=meta["parameters"],
            memory_limit_mb=script.memory_limit_mb,
            reuse=script.reuse,
        )
        result = self._run(job)
        if result.outcome is Ending.TIMED_OUT and job.time_limit_seconds == left:
            return failure(Reason.CALLER_TIMED_OUT, "The caller's time was over before the script's.", self._node_id)
        return judge(result, self._node_id)

    def _run(self, job: Job, watch: Watch | None = None) -> HostResult:
        def on_line(line: str) -> None:
            _script_log.info("trigger=%s script=%s: %s", job.trigger_id, job.script_name, line)

        def on_subscript(
            name: str, parameters: dict[str, str], wait: bool, remaining: float, watch: Watch
        ) -> SubscriptAnswer:
            try:
                script = _subscript(name, parameters)
                if wait:
                    return self._run_waited(job, script, parameters, remaining, watch)
                return SubscriptAnswer(ok=True, job_id=publish_subscript(script, parameters))
            except (NoScriptError, SubscriptRefusedError, queue.NoNodeError, queue.HandOverError) as error:
                return SubscriptAnswer(ok=False, message=str(error))
            except redis.RedisError as error:
                return SubscriptAnswer(ok=False, message=f"the broker is not reachable: {error}")

        return self._hosts.run(job, on_line, on_subscript, watch)

    def _run_waited(
        self, caller: Job, script: Script, parameters: Mapping[str, str], remaining: float, watch: Watch
    ) -> SubscriptAnswer:
        """In the slot and the time of its caller."""
        job = replace(
            caller,
            script_name=script.name,
            script_version=script.version,
            source=script.source,
            entry_point=RUN,
            time_limit_seconds=min(remaining, script.timeout_seconds),
            request={},
            raw_body=b"",
            parameters=parameters,
            depth=caller.depth + 1,
            memory_limit_mb=script.memory_limit_mb,
            reuse=script.reuse,
        )
        result = self._run(job, watch)
        if result.outcome is Ending.SUCCEEDED:
            return SubscriptAnswer(ok=True)
        if result.traceback:
            what = (job.trigger_id, script.name, script.version, result.traceback)
            _manager_log.error("trigger=%s script=%s version=%s: %s", *what)
        return SubscriptAnswer(ok=False, message=f"{script.name}: {result.message or result.outcome}")


def _time_limit(kind: str, script: Script, left: float) -> float:
    """In seconds. Who is waited for has no more time than is left; other subscripts are for long-running work."""
    if kind == SUBSCRIPT:
        return float(settings.UDAPI_SUBSCRIPT_TIMEOUT_SECONDS)
    return min(left, script.timeout_seconds)


def _names(job_id: str, meta: Mapping[str, Any]) -> tuple[object, ...]:
    return job_id, meta["kind"], meta["script"], meta["version"]


class SubscriptRefusedError(Exception):
    """A script that cannot run as a subscript with these parameters."""


def _subscript(name: str, parameters: Mapping[str, str]) -> Script:
    script = load_by_name(name)
    if not script.has_run:
        raise SubscriptRefusedError(f"the script {name} has no {RUN}(engine)")
    missing = [parameter for parameter in script.parameters if parameter not in parameters]
    if missing:
        raise SubscriptRefusedError(f"the script {name} needs values for: {', '.join(missing)}")
    return script


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
