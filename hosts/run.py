"""One run, seen from the worker thread that waits for it: a state machine.

    state      event                                               effect                                next state
    ---------  --------------------------------------------------  ------------------------------------  ----------
    STARTING   the process has started, or the host is warm        sends the job                         RUNNING
               the zygote cannot start a process                   result: COULD_NOT_START               OVER
               no process after ten seconds, or the zygote ended   no result: another zygote is tried    OVER
               deadline                                            result: EXPIRED                       ENDING
               the run around it has ended                         result: ABANDONED                     ENDING
               cancelled                                           result: CANCELLED                     ENDING
    RUNNING    answer, and the host may serve another run          result: the answer                    OVER
               any other answer                                    result: the answer                    ENDING
               deadline, or a limit is exceeded                    result: TIMED_OUT, OVER_LIMIT         REPORTING
               something that the SDK never sends                  result: DIED                          ENDING
               the run around it has ended                         result: ABANDONED                     ENDING
               cancelled                                           result: CANCELLED                     ENDING
               the process has ended and has not read the job      no result: another host is tried      OVER
    REPORTING  the process has written where it is, or 0.4 s                                             ENDING
    ENDING     0.5 s without confirmation of the end               kills the process group               OVER
    any        the process or the zygote has ended                 result: DIED, unless there is one     OVER

Only the first result counts, and a run that somebody has cancelled before has no other one than CANCELLED. On entering
ENDING, the zygote is told to kill the process tree.
"""

import logging
import math
import time
from dataclasses import replace
from enum import IntEnum

from hosts import reuse
from hosts.frames import pack
from hosts.jobs import (
    EXIT_NO_ROOM,
    MAX_MESSAGE_CHARACTERS,
    MAX_SUBSCRIPT_DEPTH,
    Assignment,
    HostResult,
    OnLine,
    OnSaid,
    OnSubscript,
    Outcome,
    SubscriptAnswer,
)
from hosts.output import OutputPipe
from hosts.run_limits import RunLimits
from hosts.run_loop import READ, RunLoop
from hosts.script_link import ScriptLink
from hosts.script_messages import SubscriptCall, died
from hosts.warm import Host

_log = logging.getLogger(__name__)

# How long the zygote may take to kill a process and confirm that.
_GRACE_SECONDS = 0.5
# How long a process may take to report where it is, and how often to look.
_REPORT_SECONDS = 0.4
_GLANCE_SECONDS = 0.02
# How long the zygote may take to start a process before another zygote is tried.
START_SECONDS = 10.0

CANCELLED = HostResult(Outcome.CANCELLED, "The run was cancelled.")


class RunState(IntEnum):
    """The states in their order: a run only moves forward, and need not pass through all of them."""

    STARTING = 0
    RUNNING = 1
    REPORTING = 2
    ENDING = 3
    OVER = 4


class AttendedRun:
    """Carries `assignment` out on `host`, which is at rest or about to start, with `scratch` as working directory.

    The time limit counts from `begun_at` on the monotonic clock.
    """

    def __init__(
        self,
        assignment: Assignment,
        begun_at: float,
        on_line: OnLine,
        on_subscript: OnSubscript,
        on_said: OnSaid,
        loop: RunLoop,
        host: Host,
        scratch: str,
    ) -> None:
        self._assignment, self._on_subscript, self._loop = assignment, on_subscript, loop
        self.run_id = assignment.run_id
        self._host, self._scratch = host, scratch
        self._limits = RunLimits(begun_at, assignment.time_limit_seconds, assignment.script.memory_limit_mb)
        self._output = OutputPipe(host.ends.output, on_line, loop, assignment.masks)
        self._link = ScriptLink(host.ends.job, loop, self._conclude, on_said)
        self._state, self.due_at = RunState.STARTING, math.inf
        self._report_until = 0.0
        self.result: HostResult | None = None
        self.leaves_at_rest = False
        """Whether the host can be used again afterwards. If not, it is closed."""

    def attend(self) -> HostResult | None:
        """Serve the run until it is OVER. None if it has never started: no line of the script was executed.

        Raises only what the callbacks raise; the run is ended then, too.
        """
        control = self._host.ends.control.fileno()
        self.due_at = min(self._limits.deadline, time.monotonic() + START_SECONDS)
        self._loop.enter(self)
        try:
            self._loop.listen(control, READ, self._on_control)
            self._output.listen()
            if self._host.pid and not self.result:
                self._send_job()
            while self._state is not RunState.OVER:
                self._loop.turn()
                # Not within a turn: a subscript that is waited for takes turns itself.
                if self._link.call and not self.result:
                    self._serve(self._link.call)
            if not self._output.drain():
                self._give_up_host(reuse.WRITES_ON)
            return self._with_report()
        except BaseException:
            self.leaves_at_rest = False
            raise
        finally:
            self._loop.leave(self)
            self._loop.ignore(control)
            self._link.close()
            self._output.ignore()
            if not self.leaves_at_rest:
                self._host.close()

    # --- States ---

    def on_time(self, now: float) -> None:
        """Do what the present state has to do by now."""
        if now < self.due_at:
            return
        match self._state:
            case RunState.STARTING if now >= self._limits.deadline:
                self._end(Outcome.EXPIRED, "No process was started for the script within its time limit.")
            case RunState.STARTING:
                self._enter(RunState.OVER)
            case RunState.RUNNING:
                self._check_limits(now)
            case RunState.REPORTING if now < self._report_until and not self._host.has_reported():
                self.due_at = now + _GLANCE_SECONDS
            case RunState.REPORTING:
                self._kill()
            case RunState.ENDING:
                _log.warning("The end of the script host %s was not confirmed in time.", self._host.pid)
                self._host.kill_group()
                self._enter(RunState.OVER)

    def abandon(self) -> None:
        """End the run, because the one that waits for it has ended."""
        self._end(Outcome.ABANDONED, "The script that waited for this one has ended.")

    def cancel(self) -> None:
        """End the run, because somebody has cancelled it."""
        self._conclude(CANCELLED)

    def _enter(self, state: RunState, due_at: float = math.inf) -> None:
        # Several events may come in one turn: once the run is OVER, the others change nothing about that.
        if state > self._state:
            self._state, self.due_at = state, due_at

    def _send_job(self) -> None:
        """The process is there. Only now it gets the job, so a job without a process has not been executed."""
        self._enter(RunState.RUNNING, self._limits.next_check(time.monotonic()))
        start_by = self._assignment.start_by() if self._assignment.start_by else None
        if start_by is not None and time.monotonic() > start_by:
            message = "The job came too late to begin."
            self._conclude(HostResult(Outcome.EXPIRED, message, not_kept_warm=reuse.TOO_LATE))
        else:
            order = self._host.begin(self._assignment, self._scratch, start_by, self._limits.deadline)
            self._link.send_job(order, start_by)

    def _check_limits(self, now: float) -> None:
        self.due_at = self._limits.next_check(now)
        if result := self._limits.check(self._host.pid, now):
            self._decide(result)
            self._host.ask_for_report()
            now = time.monotonic()
            self._report_until = now + _REPORT_SECONDS
            self._enter(RunState.REPORTING, now + _GLANCE_SECONDS)

    def _kill(self) -> None:
        self._enter(RunState.ENDING, time.monotonic() + _GRACE_SECONDS)
        self._host.ends.control.end_host()

    # --- The result ---

    def _decide(self, result: HostResult) -> bool:
        """Set the result; False if there is one already."""
        if self.result:
            return False
        if self._loop.settle(self.run_id):
            result = CANCELLED
        reason = reuse.why_not(self._host, self._assignment.script, result, calls_subscript=bool(self._link.call))
        self.result = replace(result, run_milliseconds=self._limits.milliseconds(), not_kept_warm=reason)
        return True

    def _conclude(self, result: HostResult) -> None:
        """Decide the result, and end the process if it is not to be used again."""
        if not self._decide(result):
            return
        self.leaves_at_rest = bool(self._host.pid and self.result and not self.result.not_kept_warm)
        if self.leaves_at_rest:
            self._enter(RunState.OVER)
        else:
            self._kill()

    def _end(self, outcome: Outcome, message: str) -> None:
        self._conclude(HostResult(outcome, message))

    def _give_up_host(self, reason: str) -> None:
        """Have the host closed, although the result may have left it at rest."""
        if self.leaves_at_rest and self.result:
            self.result = replace(self.result, not_kept_warm=reason)
        self.leaves_at_rest = False

    def _with_report(self) -> HostResult | None:
        """The result; for a process that did not answer, with where it was."""
        result = self.result
        if result and result.outcome in {Outcome.DIED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT}:
            return replace(result, traceback=self._host.report())
        return result

    # --- Events ---

    def _on_control(self, _mask: int) -> None:
        """The zygote has said something, or has ended."""
        if (said := self._host.ends.control.read()) is None:
            return
        word, rest, descriptor = said
        if word == "started":
            self._host.pid, self._host.pidfd = int(rest), descriptor
            if self._state is RunState.STARTING:
                self._send_job()
            return
        self._enter(RunState.OVER)
        self._loop.ignore(self._host.ends.control.fileno())
        if word == "exited":
            self._on_exit(int(rest))
        elif word == "failed":
            self._end(Outcome.COULD_NOT_START, f"No process could be started for the script: {rest}.")
        elif self._host.pid:
            self._end(Outcome.DIED, "The process that starts scripts has ended, and the script with it.")
            self._host.kill_group()
        # An answer of this turn may have left the host at rest, but now its process is gone.
        self._give_up_host(reuse.HAS_ENDED)

    def _on_exit(self, status: int) -> None:
        """The process has ended. Its answer may still be on its way; without a result, an unread job never started."""
        if not self.result:
            self._link.read_rest()
        if not self._link.left_job_unread or status == EXIT_NO_ROOM:
            self._conclude(died(status))

    def _serve(self, call: SubscriptCall) -> None:
        answer = self._subscript_answer(call)
        message = answer.message[:MAX_MESSAGE_CHARACTERS]
        header = {"ok": answer.ok, "jobId": answer.job_id, "message": message, "status": answer.status}
        self._link.answer_call(pack(header, answer.returned))

    def _subscript_answer(self, call: SubscriptCall) -> SubscriptAnswer:
        if call.wait and self._assignment.depth >= MAX_SUBSCRIPT_DEPTH:
            message = f"Subscripts that are waited for can be nested {MAX_SUBSCRIPT_DEPTH} deep at most."
            return SubscriptAnswer(ok=False, message=message)
        return self._on_subscript(call.name, call.parameters, call.wait, self._limits.seconds_left(), self._loop)
