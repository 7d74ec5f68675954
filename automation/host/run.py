"""One run, seen from the worker thread that waits for it."""

import logging
import math
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from automation.host.channels import WorkerEnds
from automation.host.frames import MAX_HEADER_BYTES, Frame, FrameReader, MalformedFrameError, Outbox, pack
from automation.host.jobs import (
    MAX_BODY_BYTES,
    MAX_SUBSCRIPT_DEPTH,
    HostResult,
    Job,
    OnLine,
    OnSubscript,
    Outcome,
    SubscriptAnswer,
)
from automation.host.lines import LineFeed
from automation.host.verdict import SubscriptCall, died, read_message
from automation.host.watch import Watch

_log = logging.getLogger(__name__)

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_CHUNK_BYTES = 64 * 1024
_DRAIN_READS = 64  # a pipe holds 64 KB unless the script made it larger; and somebody may still be writing
_LEASH_BYTES = 1024
_MAX_MESSAGE_CHARACTERS = 4 * 1024
# How long the zygote may take to end a run and say so; its kill is on its way, waited for or not.
_GRACE_SECONDS = 0.5
_PIDFD_SIGNAL_PROCESS_GROUP = 4


class Run:
    """Sends the job, drains the output, serves subscript calls and keeps the time, until the process is gone.

    `begun_at` is on the monotonic clock; the time limit counts from there.
    """

    def __init__(self, job: Job, begun_at: float, on_line: OnLine, on_subscript: OnSubscript, watch: Watch) -> None:
        self._job, self._begun_at = job, begun_at
        self._lines = LineFeed(on_line)
        self._on_subscript = on_subscript
        self._watch = watch
        self._due_at = begun_at + job.time_limit_seconds
        self._result: HostResult | None = None
        self._call: SubscriptCall | None = None
        self._outbox = Outbox()
        self._reader = FrameReader(MAX_HEADER_BYTES, MAX_BODY_BYTES)
        self._group, self._pidfd = 0, -1
        self._gone = False

    def attend(self, ends: WorkerEnds) -> HostResult | None:
        """Serve the run behind `ends` to its end, and close them.

        None when the zygote went before it had started the process: no line of the script was executed. Raises
        only what the callbacks raise; the run is ended then, too.
        """
        self._ends = ends
        self._watch.enter(self)
        try:
            self._listen(ends.leash, self._on_leash)
            self._listen(ends.output, self._on_output)
            while not self._gone:
                self._watch.turn()
                self._serve_call()
            self._drain()
            return self._result
        finally:
            self._let_go()

    @property
    def ended(self) -> bool:
        """Whether the result is decided; the process may have a moment left."""
        return self._result is not None

    def due_at(self) -> float:
        """The deadline; once ended, the moment when the zygote is waited for no longer. Monotonic clock."""
        return math.inf if self._gone else self._due_at

    def look_at_clock(self, now: float) -> None:
        """End the run if its deadline is over."""
        if now < self.due_at():
            return
        if self.ended:
            _log.warning("The end of the script process group %s was not confirmed in time.", self._group)
            self._gone = True
        elif self._group:
            self._end(Outcome.TIMED_OUT, f"The time limit of {self._job.time_limit_seconds:g} s was reached.")
        else:
            self._end(Outcome.COULD_NOT_START, "No process was started for the script within its time limit.")

    def abandon(self) -> None:
        """End the run: the one that waits for it has ended."""
        self._end(Outcome.ABANDONED, "The script that waited for this one has ended.")

    def _end(self, outcome: Outcome, message: str) -> None:
        self._conclude(HostResult(outcome, message))

    def _conclude(self, result: HostResult) -> None:
        """Decide the result, the first one counts, and have the zygote kill what is left of the run."""
        if self.ended:
            return
        now = time.monotonic()
        self._result = replace(result, run_milliseconds=round((now - self._begun_at) * 1000))
        self._due_at = now + _GRACE_SECONDS
        with suppress(OSError):
            self._ends.leash.shutdown(socket.SHUT_WR)

    def _listen(self, source: socket.socket | int, react: Callable[[int], None]) -> None:
        self._watch.selector.register(source, _READ, react)

    def _ignore(self, source: socket.socket | int) -> None:
        with suppress(KeyError):
            self._watch.selector.unregister(source)

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
        self._ignore(self._ends.leash)
        if word == "exited":
            # The answer may be on its way still: whatever was sent before the end can be received.
            self._take_last_message()
            self._conclude(died(int(rest)))
        elif word == "failed":
            self._end(Outcome.COULD_NOT_START, f"No process could be started for the script: {rest}.")
        elif self._group:
            self._zygote_died()

    def _start(self, group: int, descriptors: list[int]) -> None:
        """The process is there: only now it gets the job, so a job without a process has not been executed."""
        self._group = group
        self._pidfd = descriptors[0] if descriptors else -1
        if not self.ended:
            self._outbox.put(_job_frame(self._job))
            self._watch.selector.register(self._ends.job, _READ | _WRITE, self._on_job)

    def _zygote_died(self) -> None:
        """Kill what the zygote cannot kill any more; the leader has already gone with it."""
        self._end(Outcome.DIED, "The process that starts scripts has died, and the script with it.")
        with suppress(ProcessLookupError):
            try:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL, None, _PIDFD_SIGNAL_PROCESS_GROUP)
            except OSError as error:
                if isinstance(error, ProcessLookupError):
                    raise
                # Linux before 6.9. The id is still ours unless the ids have wrapped around in this moment.
                os.killpg(self._group, signal.SIGKILL)

    # --- The job socket: what the script says ---

    def _on_job(self, mask: int) -> None:
        try:
            if mask & _WRITE and self._outbox.send_some(self._ends.job):
                self._watch.selector.modify(self._ends.job, _READ, self._on_job)
            if mask & _READ and (frame := self._reader.read(self._ends.job)):
                self._take(frame)
        except BlockingIOError:
            pass
        except MalformedFrameError as error:
            self._end(Outcome.DIED, f"The script's process sent what is no answer: {error}.")
            self._ignore(self._ends.job)
        except (EOFError, OSError):
            self._ignore(self._ends.job)

    def _take(self, frame: Frame) -> None:
        message = read_message(frame)
        if isinstance(message, HostResult):
            self._conclude(message)
        elif self._call:
            raise MalformedFrameError("a subscript called while another one runs")
        else:
            self._call = message

    def _take_last_message(self) -> None:
        while not self.ended and self._ends.job in self._watch.selector.get_map():
            try:
                if frame := self._reader.read(self._ends.job):
                    self._take(frame)
            except (MalformedFrameError, EOFError, OSError):
                return

    def _serve_call(self) -> None:
        """Run the subscript that was called for; not from within a turn of the watch, for it takes turns itself."""
        if not self._call or self.ended:
            return
        answer = self._answer(self._call)
        self._call = None
        if self._ends.job in self._watch.selector.get_map():
            message = answer.message[:_MAX_MESSAGE_CHARACTERS]
            self._outbox.put(pack({"ok": answer.ok, "jobId": answer.job_id, "message": message}))
            self._watch.selector.modify(self._ends.job, _READ | _WRITE, self._on_job)

    def _answer(self, call: SubscriptCall) -> SubscriptAnswer:
        if call.wait and self._job.depth >= MAX_SUBSCRIPT_DEPTH:
            message = f"Subscripts that are waited for can be nested {MAX_SUBSCRIPT_DEPTH} deep at most."
            return SubscriptAnswer(ok=False, message=message)
        remaining = max(0.0, self._due_at - time.monotonic())
        return self._on_subscript(call.name, call.parameters, call.wait, remaining, self._watch)

    # --- The output ---

    def _on_output(self, _mask: int) -> None:
        self._read_output()

    def _read_output(self) -> bool:
        """Read once; whether there was anything."""
        try:
            chunk = os.read(self._ends.output, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if chunk:
            self._lines.feed(chunk)
        else:
            self._ignore(self._ends.output)
        return bool(chunk)

    def _drain(self) -> None:
        """What was printed before the end. A process that has escaped the group must not keep us here."""
        for _ in range(_DRAIN_READS):
            if not self._read_output():
                break
        self._lines.close()

    def _let_go(self) -> None:
        self._watch.leave(self)
        for channel in (self._ends.leash, self._ends.job, self._ends.output):
            self._ignore(channel)
        self._ends.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)


def _job_frame(job: Job) -> list[memoryview]:
    header = {
        "triggerId": job.trigger_id,
        "scriptName": job.script_name,
        "source": job.source,
        "entryPoint": job.entry_point,
        "request": dict(job.request),
        "parameters": dict(job.parameters),
    }
    return pack(header, job.raw_body)
