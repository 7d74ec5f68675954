"""Running a job in a script host, together with the subscripts that it calls."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import redis

from automation import queue
from automation.host.hosts import ScriptHosts
from automation.host.jobs import EntryPoint, HostResult, Job, Outcome, SubscriptAnswer
from automation.host.watch import Watch
from automation.scripts import NoScriptError, Script
from automation.source import RUN

_log = logging.getLogger("udapi.manager")


class SubscriptRefusedError(Exception):
    """A script that cannot run as a subscript with these parameters."""


def job_of(job_id: str, script: Script, meta: Mapping[str, Any], body: bytes, seconds: float) -> Job:
    """The job in which `script` serves what was queued: `meta` and `body` of its payload."""
    entry_point: EntryPoint = meta["entry_point"]
    return Job(
        trigger_id=job_id,
        script_name=script.name,
        script_version=script.version,
        source=script.source,
        entry_point=entry_point,
        time_limit_seconds=seconds,
        request=meta["request"],
        raw_body=body,
        parameters=meta["parameters"],
        memory_limit_mb=script.memory_limit_mb,
        reuse=script.reuse,
    )


class Execution:
    """Runs jobs in `hosts`; safe for threads.

    `find` gives the script of a name or raises `NoScriptError`. `queue_subscript` queues one that nobody waits for and
    returns its id; it may raise `NoNodeError`, `HandOverError` and `RedisError`. `on_line` gets what a job prints.
    """

    def __init__(
        self,
        hosts: ScriptHosts,
        find: Callable[[str], Script],
        queue_subscript: Callable[[Script, Mapping[str, str]], str],
        on_line: Callable[[Job, str], None],
    ) -> None:
        self._hosts, self._find, self._queue, self._on_line = hosts, find, queue_subscript, on_line

    def run(self, job: Job, watch: Watch | None = None) -> HostResult:
        """Run `job` to its end; `watch` is its caller's when it is a subscript that is waited for."""
        return self._hosts.run(job, partial(self._on_line, job), partial(self._on_subscript, job), watch)

    def _on_subscript(
        self, caller: Job, name: str, parameters: dict[str, str], wait: bool, remaining: float, watch: Watch
    ) -> SubscriptAnswer:
        try:
            script = self._subscript(name, parameters)
            if wait:
                return self._run_waited(caller, script, parameters, remaining, watch)
            return SubscriptAnswer(ok=True, job_id=self._queue(script, parameters))
        except (NoScriptError, SubscriptRefusedError, queue.NoNodeError, queue.HandOverError) as error:
            return SubscriptAnswer(ok=False, message=str(error))
        except redis.RedisError as error:
            return SubscriptAnswer(ok=False, message=f"the broker is not reachable: {error}")

    def _subscript(self, name: str, parameters: Mapping[str, str]) -> Script:
        script = self._find(name)
        if not script.has_run:
            raise SubscriptRefusedError(f"the script {name} has no {RUN}(engine)")
        missing = [parameter for parameter in script.parameters if parameter not in parameters]
        if missing:
            raise SubscriptRefusedError(f"the script {name} needs values for: {', '.join(missing)}")
        return script

    def _run_waited(
        self, caller: Job, script: Script, parameters: Mapping[str, str], remaining: float, watch: Watch
    ) -> SubscriptAnswer:
        """In the slot and the time of its caller."""
        meta = {"entry_point": RUN, "request": {}, "parameters": parameters}
        job = job_of(caller.trigger_id, script, meta, b"", min(remaining, script.timeout_seconds))
        result = self.run(replace(job, depth=caller.depth + 1), watch)
        if result.outcome is Outcome.SUCCEEDED:
            return SubscriptAnswer(ok=True)
        if result.traceback:
            what = (job.trigger_id, script.name, script.version, result.traceback)
            _log.error("trigger=%s script=%s version=%s: %s", *what)
        return SubscriptAnswer(ok=False, message=f"{script.name}: {result.message or result.outcome}")
