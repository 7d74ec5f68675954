"""Runs a job in a script host, together with the subscripts that it calls."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import redis
from django.db import Error as DatabaseError

from automation.credential_keys import CredentialKeyMissingError
from automation.granted import GrantedCredential
from automation.sdk.engine import LONGEST_INFORMATION
from automation.source import RUN
from fleet import queue, run_spans
from fleet.cancellation import UnansweredError
from fleet.redis_frames import FrameError
from fleet.script_cache import NoScriptError, log_label, shown_name
from foundation.ids import new_run_id
from foundation.value_masks import ValueMasks
from hosts.jobs import MAX_MESSAGE_CHARACTERS, Assignment, HostResult, Job, JobKind, Outcome, Script, SubscriptAnswer
from hosts.run_loop import RunLoop
from hosts.script_hosts import ScriptHosts

# Ends a text that the SDK has cut.
_CUT = "…"

_log = logging.getLogger("udapi.manager")


Granted = Callable[[str], Mapping[str, GrantedCredential]]
OnWaited = Callable[[Assignment, Assignment, Callable[[], HostResult]], HostResult]


class Execution:
    """Carries out assignments in `hosts`; safe for threads.

    `find` returns the script of a name; it may raise NoScriptError and DatabaseError. `granted` returns the credentials
    of a script by name; it may raise DatabaseError and CredentialKeyMissingError. `queue_subscript` queues a job that
    no caller waits for and returns its id; it may raise NoNodeError, UnansweredError, FrameError and RedisError.
    `on_line` gets what a script prints, `on_said` the texts of its information events, `on_not_begun` why a script
    could not be begun here. `on_waited` carries out a subscript that its caller waits for: it gets the assignments of
    both, and a function that runs the subscript.
    """

    def __init__(
        self,
        hosts: ScriptHosts,
        find: Callable[[str], Script],
        queue_subscript: Callable[[Assignment, Script, Mapping[str, str]], str],
        on_line: Callable[[Assignment, str], None],
        on_said: Callable[[Assignment, str], None],
        on_not_begun: Callable[[str], None],
        on_waited: OnWaited = lambda _caller, _assignment, run: run(),
        *,
        granted: Granted,
    ) -> None:
        self._hosts, self._find, self._granted, self._queue = hosts, find, granted, queue_subscript
        self._on_line, self._on_said, self._on_not_begun, self._on_waited = on_line, on_said, on_not_begun, on_waited

    def run(self, assignment: Assignment, loop: RunLoop | None = None) -> HostResult:
        """How the run ends, with the ids of the credentials that it used, and none of their values.

        For a subscript that is waited for, `loop` is its caller's.
        """
        granted = {} if assignment.job.has_credentials is False else self._granted(assignment.script.id)
        if granted:
            values = {name: credential.value for name, credential in granted.items()}
            assignment.masks.add(values.values())
            assignment = replace(assignment, credentials=values)
        on_line, on_subscript = partial(self._on_line, assignment), partial(self._on_subscript, assignment)
        result = self._hosts.run(assignment, on_line, on_subscript, loop, partial(self._on_information, assignment))
        if result.outcome is Outcome.COULD_NOT_START and not self._hosts.lacks_packages(assignment.script):
            self._on_not_begun(result.message)
        # What a host says about credentials is not believed, even if there are none.
        needs_care = granted or assignment.masks or result.credentials_used
        return _told(result, granted, assignment.masks) if needs_care else result

    def _on_information(self, assignment: Assignment, text: str) -> None:
        """Hand on a text that the SDK has cut, or should have: it knows no values of the runs around this one."""
        is_cut = len(text) > LONGEST_INFORMATION or text.endswith(_CUT)
        begin = text[: LONGEST_INFORMATION - 1].removesuffix(_CUT) if is_cut else text
        self._on_said(assignment, assignment.masks.text(begin, is_cut=is_cut) + _CUT * is_cut)

    def _on_subscript(
        self, caller: Assignment, name: str, parameters: dict[str, str], wait: bool, remaining: float, loop: RunLoop
    ) -> SubscriptAnswer:
        try:
            script = self._subscript(name, parameters)
            if wait:
                return self._run_waited(caller, script, parameters, remaining, loop)
            return SubscriptAnswer(ok=True, job_id=self._queue(caller, script, parameters))
        except (NoScriptError, CredentialKeyMissingError, queue.NoNodeError, UnansweredError, FrameError) as error:
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
            raise NoScriptError(f"the script {shown_name(script)} has no {RUN}(engine)")
        missing = [parameter for parameter in script.parameters if parameter not in parameters]
        if missing:
            raise NoScriptError(f"the script {shown_name(script)} needs values for: {', '.join(missing)}")
        if not _is_unicode(parameters):
            raise NoScriptError("a parameter holds a lone surrogate, which no encoding can express")
        return script

    def _run_waited(
        self, caller: Assignment, script: Script, parameters: Mapping[str, str], remaining: float, loop: RunLoop
    ) -> SubscriptAnswer:
        """Run the subscript in the slot of its caller, and within the caller's time."""
        what = caller.job.id, JobKind.SUBSCRIPT, script.id, script.version
        job = Job(*what, RUN, parameters, has_credentials=script.has_credentials)
        seconds = min(remaining, script.timeout_seconds)
        with run_spans.of_subscript(caller.job, script) as span:
            job = run_spans.placed(job, span.context)
            assignment = Assignment(job, script, seconds, caller.depth + 1, run_id=new_run_id(), masks=caller.masks)
            result = self._on_waited(caller, assignment, partial(self.run, assignment, loop))
            run_spans.note_subscript(span, result)
        if result.outcome is Outcome.SUCCEEDED:
            return SubscriptAnswer(ok=True, returned=result.returned)
        if result.traceback:
            _log.error("trigger=%s %s: %s", assignment.job.id, _label(assignment), result.traceback)
        if (raised := result.output) is not None and raised.error is not None:
            return SubscriptAnswer(ok=False, message=f"{shown_name(script)}: {raised.error}", status=raised.code)
        return SubscriptAnswer(ok=False, message=f"{shown_name(script)}: {result.message or result.outcome}")


def _told(result: HostResult, granted: Mapping[str, GrantedCredential], masks: ValueMasks) -> HostResult:
    """The result with ids of credentials, each once, in place of their names, and without values of the run's tree.

    Its host knows no values of the runs around it, and has cut the message.
    """
    output, claimed = result.output, set(result.credentials_used)
    if output is not None and output.error is not None:
        output = replace(output, error=_masked_message(output.error, masks))
    return replace(
        result,
        message=_masked_message(result.message, masks),
        traceback=masks.text(result.traceback),
        output=output,
        credentials_used=[credential.id for name, credential in granted.items() if name in claimed],
    )


def _masked_message(message: str, masks: ValueMasks) -> str:
    return masks.text(message, is_cut=len(message) >= MAX_MESSAGE_CHARACTERS)


def _label(assignment: Assignment) -> str:
    script = assignment.script
    return log_label(script.id, script.version, script.name)


def _is_unicode(parameters: Mapping[str, str]) -> bool:
    try:
        "".join(part for parameter in parameters.items() for part in parameter).encode()
    except UnicodeEncodeError:
        return False
    return True
