"""One run, seen from the worker thread that waits for it."""

import logging
import math
import socket
import time
from contextlib import suppress
from dataclasses import replace

from hosts import gauge, tree
from hosts.frames import MAX_HEADER_BYTES, Frame, FrameReader, MalformedFrameError, Outbox, pack
from hosts.jobs import (
    EXIT_NO_ROOM,
    MAX_BODY_BYTES,
    MAX_SUBSCRIPT_DEPTH,
    Assignment,
    HostResult,
    OnLine,
    OnSubscript,
    Outcome,
    SubscriptAnswer,
)
from hosts.lines import LineFeed, OutputPipe
from hosts.verdict import SubscriptCall, died, read_message
from hosts.warm import MAX_RUNS, Host
from hosts.watch import READ, WRITE, Watch

_log = logging.getLogger(__name__)

_LEASH_BYTES = 1024
_MAX_MESSAGE_CHARACTERS = 4 * 1024
# How long the zygote may take to end a run and say so; its kill is on its way, waited for or not.
_GRACE_SECONDS = 0.5
# How long a host may take to write where it is, before it is killed, and how often to look whether it has.
_REPORT_SECONDS = 0.4
_GLANCE_SECONDS = 0.02
# How long the zygote may take to start a process before another zygote is tried.
START_SECONDS = 10.0


class Run:
    """Sends the job, drains the output, serves subscript calls and keeps time and memory, until the answer is there.

    `begun_at` is on the monotonic clock; the time limit counts from there.
    """

    def __init__(
        self, assignment: Assignment, begun_at: float, on_line: OnLine, on_subscript: OnSubscript, watch: Watch
    ) -> None:
        self._assignment, self._begun_at = assignment, begun_at
        self._gauge = gauge.Gauge(assignment.script.memory_limit_mb)
        self._lines = LineFeed(on_line)
        self._on_subscript = on_subscript
        self._watch = watch
        self._deadline = begun_at + assignment.time_limit_seconds
        self._due_at = self._look_at = math.inf
        self._result: HostResult | None = None
        self._call: SubscriptCall | None = None
        self._outbox = Outbox()
        self._reader = FrameReader(MAX_HEADER_BYTES, MAX_BODY_BYTES)
        self._report_until = 0.0
        self._gone = self._may_rest = False
        self._has_spoken = self._is_unread = False
        self._start_by: float | None = None

    def attend(self, host: Host, scratch: str) -> HostResult | None:
        """Run the job on `host`, which is at rest or about to start, with `scratch` as its working directory.

        Afterwards the host is at rest again, as `leaves_at_rest` says, or closed. None when it never started: no
        line of the script was executed. Raises only what the callbacks raise; the run is ended then, too.
        """
        self._host, self._ends, self._scratch = host, host.ends, scratch
        self._output = OutputPipe(host.ends.output, self._lines)
        self._due_at = min(self._deadline, time.monotonic() + START_SECONDS)
        self._watch.enter(self)
        try:
            self._watch.listen(host.ends.leash.fileno(), READ, self._on_leash)
            self._watch.listen(host.ends.output, READ, self._on_output)
            if host.pid:
                self._send_job()
            while not self._gone:
                self._watch.turn()
                self._serve_call()
            self._may_rest = self._output.drain() and self._may_rest
            return self._told()
        except BaseException:
            self._may_rest = False
            raise
        finally:
            self._let_go()

    @property
    def leaves_at_rest(self) -> bool:
        """Whether the host can be used again."""
        return self._may_rest

    @property
    def ended(self) -> bool:
        """Whether the result is decided; the process may have a moment left."""
        return self._result is not None

    def due_at(self) -> float:
        """When to look at the clock next; monotonic clock."""
        return math.inf if self._gone else min(self._due_at, self._look_at)

    def look_at_clock(self, now: float) -> None:
        """End the run if its time is over, or if it takes too much."""
        if self._gone or now < self.due_at():
            return
        if now >= self._due_at:
            self._be_due(now)
        else:
            self._look_at = now + gauge.INTERVAL_SECONDS
            if much := self._gauge.excess(self._host.pid):
                self._end_with_report(Outcome.OVER_LIMIT, f"The script had {much}.")

    def abandon(self) -> None:
        """End the run: the one that waits for it has ended."""
        self._end(Outcome.ABANDONED, "The script that waited for this one has ended.")

    def _be_due(self, now: float) -> None:
        if now < self._report_until and not self._host.has_reported():
            self._due_at = now + _GLANCE_SECONDS
        elif self._report_until:
            self._report_until = 0.0
            self._pull(now)
        elif self.ended:
            _log.warning("The end of the script host %s was not confirmed in time.", self._host.pid)
            self._host.kill_group()
            self._gone = True
        elif self._host.pid:
            self._end_with_report(
                Outcome.TIMED_OUT, f"The time limit of {self._assignment.time_limit_seconds:g} s was reached."
            )
        elif now >= self._deadline:
            self._end(Outcome.EXPIRED, "No process was started for the script within its time limit.")
        else:
            self._gone = True

    def _end_with_report(self, outcome: Outcome, message: str) -> None:
        """End the run as soon as its process has told where it is."""
        self._decide(HostResult(outcome, message))
        self._host.ask_for_report()
        now = time.monotonic()
        self._report_until, self._due_at = now + _REPORT_SECONDS, now + _GLANCE_SECONDS

    def _end(self, outcome: Outcome, message: str) -> None:
        self._conclude(HostResult(outcome, message))

    def _conclude(self, result: HostResult) -> None:
        """Decide the result, the first one counts, and end the process if it is not to be used again."""
        if self.ended:
            return
        now = self._decide(result)
        self._may_rest = self._is_clean(result)
        if self._may_rest:
            self._gone = True
        else:
            self._pull(now)

    def _decide(self, result: HostResult) -> float:
        now = time.monotonic()
        self._result = replace(result, run_milliseconds=round((now - self._begun_at) * 1000))
        self._look_at = math.inf
        return now

    def _is_clean(self, result: HostResult) -> bool:
        """Whether the next run of the script finds nothing of this one, but for what the script itself keeps."""
        if not (
            self._assignment.script.reuse and result.reusable and self._call is None and self._host.runs < MAX_RUNS
        ):
            return False
        return tree.is_alone(self._host.pid)

    def _pull(self, now: float) -> None:
        """Have the zygote kill what is left of the run."""
        self._due_at = now + _GRACE_SECONDS
        with suppress(OSError):
            self._ends.leash.shutdown(socket.SHUT_WR)

    def _told(self) -> HostResult | None:
        """The result, with where the process was when it ended without an answer."""
        result = self._result
        if result and result.outcome in {Outcome.DIED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT}:
            return replace(result, traceback=self._host.report())
        return result

    # --- The leash: what the zygote says ---

    def _on_leash(self, _mask: int) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._ends.leash, _LEASH_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except ConnectionError:
            message, descriptors = b"", []
        word, _, rest = message.decode().partition(" ")
        if word == "started":
            self._start(int(rest), descriptors)
            return
        self._gone = True
        self._watch.ignore(self._ends.leash.fileno())
        if word == "exited":
            # The answer may be on its way still: whatever was sent before the end can be received.
            self._take_last_message()
            if not self._is_unread or int(rest) == EXIT_NO_ROOM:
                self._conclude(died(int(rest)))
        elif word == "failed":
            self._end(Outcome.COULD_NOT_START, f"No process could be started for the script: {rest}.")
        elif self._host.pid:
            self._end(Outcome.DIED, "The process that starts scripts has ended, and the script with it.")
            self._host.kill_group()
        self._may_rest = False

    def _start(self, pid: int, descriptors: list[int]) -> None:
        """The process is there: only now it gets the job, so a job without a process has not been executed."""
        self._host.pid = pid
        self._host.pidfd = descriptors[0] if descriptors else -1
        if not self.ended:
            self._send_job()

    def _send_job(self) -> None:
        self._due_at, self._look_at = self._deadline, time.monotonic() + gauge.INTERVAL_SECONDS
        if self._assignment.start_by is not None:
            self._start_by = self._assignment.start_by()
        if self._start_by is not None and time.monotonic() > self._start_by:
            self._end(Outcome.EXPIRED, "The job came too late to begin.")
            return
        self._outbox.put(self._host.begin(self._assignment, self._scratch, self._start_by))
        self._listen_to_job(READ | WRITE)
        self._on_job(WRITE)  # Most jobs go out at once.

    # --- The job socket: what the script says ---

    def _listen_to_job(self, mask: int) -> None:
        self._watch.listen(self._ends.job.fileno(), mask, self._on_job)

    def _on_job(self, mask: int) -> None:
        try:
            if mask & WRITE and self._outbox.send_some(self._ends.job):
                self._listen_to_job(READ)
            # Sizes and content of an answer were sent together.
            if mask & READ and (frame := self._reader.read(self._ends.job) or self._reader.read(self._ends.job)):
                self._take(frame)
        except BlockingIOError:
            pass
        except MalformedFrameError as error:
            self._end(Outcome.DIED, f"The script's process sent what is no answer: {error}.")
            self._watch.ignore(self._ends.job.fileno())
        except (EOFError, OSError) as error:
            self._note_end(error)
            self._watch.ignore(self._ends.job.fileno())

    def _note_end(self, error: Exception) -> None:
        """A socket that is closed with something unread in it says so; all that it can be is the job."""
        self._is_unread = isinstance(error, ConnectionError) and not self._has_spoken

    def _check_expiry(self, message: HostResult | SubscriptCall) -> None:
        """Raises MalformedFrameError for a script that says without reason that it has not begun."""
        if not isinstance(message, HostResult) or message.outcome is not Outcome.EXPIRED:
            return
        if self._has_spoken or self._start_by is None or time.monotonic() < self._start_by:
            raise MalformedFrameError("a run that has begun cannot expire")

    def _take(self, frame: Frame) -> None:
        message = read_message(frame)
        self._check_expiry(message)
        self._has_spoken = True
        if isinstance(message, HostResult):
            self._conclude(message)
        elif self._call:
            raise MalformedFrameError("a subscript called while another one runs")
        else:
            self._call = message

    def _take_last_message(self) -> None:
        while not self.ended and self._watch.listens_to(self._ends.job.fileno()):
            try:
                if frame := self._reader.read(self._ends.job):
                    self._take(frame)
            except (MalformedFrameError, EOFError, OSError) as error:
                self._note_end(error)
                return

    def _serve_call(self) -> None:
        """Run the subscript that was called for; not from within a turn of the watch, for it takes turns itself."""
        if not self._call or self.ended:
            return
        answer = self._answer(self._call)
        self._call = None
        if self._watch.listens_to(self._ends.job.fileno()):
            message = answer.message[:_MAX_MESSAGE_CHARACTERS]
            self._outbox.put(pack({"ok": answer.ok, "jobId": answer.job_id, "message": message}))
            self._listen_to_job(READ | WRITE)

    def _answer(self, call: SubscriptCall) -> SubscriptAnswer:
        if call.wait and self._assignment.depth >= MAX_SUBSCRIPT_DEPTH:
            message = f"Subscripts that are waited for can be nested {MAX_SUBSCRIPT_DEPTH} deep at most."
            return SubscriptAnswer(ok=False, message=message)
        remaining = max(0.0, self._deadline - time.monotonic())
        return self._on_subscript(call.name, call.parameters, call.wait, remaining, self._watch)

    # --- The output ---

    def _on_output(self, _mask: int) -> None:
        if not self._output.read():
            self._watch.ignore(self._ends.output)

    def _let_go(self) -> None:
        self._watch.leave(self)
        for descriptor in (self._ends.leash.fileno(), self._ends.job.fileno(), self._ends.output):
            self._watch.ignore(descriptor)
        if not self._may_rest:
            self._host.close()
