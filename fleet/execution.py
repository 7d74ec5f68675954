"""Runs a job in a script host, together with the subscripts that it calls."""

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial

import redis
from django.db import Error as DatabaseError

from automation.source import RUN
from fleet import queue
from fleet.cancellation import UnansweredError
from fleet.redis_frames import FrameError
from fleet.script_cache import NoScriptError, log_label
from hosts.jobs import Assignment, HostResult, Job, JobKind, Outcome, Script, SubscriptAnswer
from hosts.run_loop import RunLoop
from hosts.script_hosts import ScriptHosts

_log = logging.getLogger("udapi.manager")


class Execution:
    """Carries out assignments in `hosts`; safe for threads.

    `find` returns the script of a name; it may raise NoScriptError and DatabaseError. `queue_subscript` queues a job
    that no caller waits for and returns its id; it may raise NoNodeError, UnansweredError, FrameError and RedisError.
    `on_line` gets what a script prints, `on_not_begun` why a script could not be begun here.
    """

    def __init__(
        self,
        hosts: ScriptHosts,
        find: Callable[[str], Script],
        queue_subscript: Callable[[Script, Mapping[str, str]], str],
        on_line: Callable[[Assignment, str], None],
        on_not_begun: Callable[[str], None],
    ) -> None:
        self._hosts, self._find, self._queue = hosts, find, queue_subscript
        self._on_line, self._on_not_begun = on_line, on_not_begun

    def run(self, assignment: Assignment, loop: RunLoop | None = None) -> HostResult:
        """How the run ends. For a subscript that is waited for, `loop` is its caller's."""
        on_line, on_subscript = partial(self._on_line, assignment), partial(self._on_subscript, assignment)
        result = self._hosts.run(assignment, on_line, on_subscript, loop)
        if result.outcome is Outcome.COULD_NOT_START:
            self._on_not_begun(result.message)
        return result

    def _on_subscript(
        self, caller: Assignment, name: str, parameters: dict[str, str], wait: bool, remaining: float, loop: RunLoop
    ) -> SubscriptAnswer:
        try:
            script = self._subscript(name, parameters)
            if wait:
                return self._run_waited(caller, script, parameters, remaining, loop)
            return SubscriptAnswer(ok=True, job_id=self._queue(script, parameters))
        except (NoScriptError, queue.NoNodeError, UnansweredError, FrameError) as error:
            return SubscriptAnswer(ok=False, message=str(error))
        except DatabaseError as error:
            # The script must not see the text, which may contain an internal address.
            subscript = json.dumps(name, ensure_ascii=False)
            _log.error("trigger=%s %s subscript=%s cannot be read: %s", caller.job.id, _label(caller), subscript, error)
            return SubscriptAnswer(ok=False, message="the database is not reachable")
        except redis.RedisError as error:
            return SubscriptAnswer(ok=False, message=f"the broker is not reachable: {error}")

    def _subscript(self, name: str, parameters: Mapping[str, str]) -> Script:
        script = self._find(name)
        if not script.has_run:
            raise NoScriptError(f"the script {_named(script)} has no {RUN}(engine)")
        missing = [parameter for parameter in script.parameters if parameter not in parameters]
        if missing:
            raise NoScriptError(f"the script {_named(script)} needs values for: {', '.join(missing)}")
        if not _is_unicode(parameters):
            raise NoScriptError("a parameter holds a lone surrogate, which no encoding can express")
        return script

    def _run_waited(
        self, caller: Assignment, script: Script, parameters: Mapping[str, str], remaining: float, loop: RunLoop
    ) -> SubscriptAnswer:
        """Run the subscript in the slot of its caller, and within the caller's time."""
        job = Job(caller.job.id, JobKind.SUBSCRIPT, script.id, script.version, RUN, parameters)
        assignment = Assignment(job, script, min(remaining, script.timeout_seconds), caller.depth + 1)
        result = self.run(assignment, loop)
        if result.outcome is Outcome.SUCCEEDED:
            return SubscriptAnswer(ok=True)
        if result.traceback:
            _log.error("trigger=%s %s: %s", assignment.job.id, _label(assignment), result.traceback)
        return SubscriptAnswer(ok=False, message=f"{_named(script)}: {result.message or result.outcome}")


def _named(script: Script) -> str:
    """A script as messages name it; a file that is tried has no version."""
    return f"{script.name} (version {script.version})" if script.version else script.name


def _label(assignment: Assignment) -> str:
    script = assignment.script
    return log_label(script.id, script.version, script.name)


def _is_unicode(parameters: Mapping[str, str]) -> bool:
    try:
        "".join(part for parameter in parameters.items() for part in parameter).encode()
    except UnicodeEncodeError:
        return False
    return True
