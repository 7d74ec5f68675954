"""The worker's end of the job socket. What comes in is checked here, for a script may send anything."""

import socket
import time
from collections.abc import Callable

from hosts.frames import MAX_HEADER_BYTES, Frame, FrameReader, MalformedFrameError, Outbox
from hosts.jobs import MAX_BODY_BYTES, HostResult, OnSaid, Outcome
from hosts.run_loop import READ, WRITE, RunLoop
from hosts.script_messages import Said, SubscriptCall, read_message


class ScriptLink:
    """Sends the job, then receives subscript calls and texts of information events (`on_said`).

    At last it receives the answer, with which it calls `on_answer`.

    A process that sends something that the SDK never sends counts as one that has died. `call` is the subscript call
    that the script waits for.
    """

    def __init__(
        self, end: socket.socket, loop: RunLoop, on_answer: Callable[[HostResult], None], on_said: OnSaid
    ) -> None:
        self._end, self._loop, self._on_answer, self._on_said = end, loop, on_answer, on_said
        self._outbox = Outbox()
        self._reader = FrameReader(MAX_HEADER_BYTES, MAX_BODY_BYTES)
        self._start_by: float | None = None
        self._has_spoken = self._has_answered = False
        self.call: SubscriptCall | None = None
        self.left_job_unread = False
        """Whether the process has closed its end before it had read the job: no line of the script was executed."""

    def send_job(self, frame: list[memoryview], start_by: float | None) -> None:
        """Send the job. After `start_by` on the monotonic clock, the process may say that the job has expired."""
        self._start_by = start_by
        self._send(frame)

    def answer_call(self, frame: list[memoryview]) -> None:
        """Send what became of the subscript call, unless the script's process is gone."""
        self.call = None
        if self._is_open():
            self._send(frame)

    def read_rest(self) -> None:
        """Read what the process sent before it ended, up to its answer."""
        while self._is_open() and not self._has_answered:
            try:
                self._read()
            except (MalformedFrameError, EOFError, OSError) as error:
                self._note_end(error)
                return

    def close(self) -> None:
        """Stop listening; the socket is its owner's to close."""
        self._loop.ignore(self._end.fileno())
        # Break the reference cycle with the run: its bodies would stay in memory until the next garbage collection.
        self._on_answer = self._on_said = _ignore

    def _is_open(self) -> bool:
        return self._loop.listens_to(self._end.fileno())

    def _send(self, frame: list[memoryview]) -> None:
        self._outbox.put(frame)
        self._listen(READ | WRITE)
        # Most frames leave at once.
        self._on_ready(WRITE)

    def _listen(self, mask: int) -> None:
        self._loop.listen(self._end.fileno(), mask, self._on_ready)

    def _on_ready(self, mask: int) -> None:
        try:
            if mask & WRITE and self._outbox.send_some(self._end):
                self._listen(READ)
            if mask & READ and not self._read():
                # The content of a frame is there with its sizes: the host sends both in one piece.
                self._read()
        except BlockingIOError:
            pass
        except MalformedFrameError as error:
            message = f"The script's process sent an invalid message: {error}."
            self._on_answer(HostResult(Outcome.DIED, message))
            self.close()
        except (EOFError, OSError) as error:
            self._note_end(error)
            self.close()

    def _note_end(self, error: Exception) -> None:
        """Closing a socket that holds unread bytes resets the connection: at first, these can only be the job."""
        self.left_job_unread = isinstance(error, ConnectionError) and not self._has_spoken

    def _read(self) -> bool:
        """Receive once; returns whether that completed a frame, which is then dealt with."""
        if (frame := self._reader.read(self._end)) is None:
            return False
        self._take(frame)
        return True

    def _take(self, frame: Frame) -> None:
        message = read_message(frame)
        if isinstance(message, HostResult):
            if message.outcome is Outcome.EXPIRED and not self._may_have_expired():
                raise MalformedFrameError("a run that has begun cannot expire")
            self._has_spoken = self._has_answered = True
            self._on_answer(message)
        elif isinstance(message, Said):
            self._has_spoken = True
            self._on_said(message.message)
        elif self.call:
            raise MalformedFrameError("a subscript called while another one runs")
        else:
            self._has_spoken, self.call = True, message

    def _may_have_expired(self) -> bool:
        """Whether the host may say so, rather than a script that has begun and forges the message."""
        return not self._has_spoken and self._start_by is not None and time.monotonic() >= self._start_by


def _ignore(_: HostResult | str) -> None:
    """Stands in for the callbacks once the link is closed."""
