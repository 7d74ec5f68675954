"""The script's end of the job socket: its link to the worker."""

import json
import os
import threading
from _socket import socket
from typing import Any

from automation.sdk import SubscriptFailed
from hosts.frames import MAX_HEADER_BYTES, Frame, FrameReader, pack
from hosts.jobs import MAX_BODY_BYTES


class WorkerLink:
    """Sends the answer and calls subscripts; safe for several threads of a script."""

    def __init__(self, job_socket: socket) -> None:
        self._socket = job_socket
        self._reader = FrameReader(MAX_HEADER_BYTES, MAX_BODY_BYTES)
        self._owner = os.getpid()
        self._calling = threading.Lock()
        # Not the lock for calls: the answer may be due while a thread still waits for a subscript.
        self._sending = threading.Lock()

    def send(self, header: dict[str, object], body: bytes | memoryview = b"") -> None:
        """Send a whole frame. Raises OSError if the worker is gone."""
        with self._sending:
            for buffer in pack(header, body):
                self._socket.sendall(buffer)

    def say(self, message: str) -> None:
        """Have the worker leave an information event. From a process that the script has forked, nothing is sent."""
        if os.getpid() == self._owner:
            self.send({"type": "information", "message": message})

    def run_subscript(self, name: str, parameters: dict[str, str], wait: bool) -> Any:
        """Have the worker run a subscript; returns what it returned, or the job's id unless the script waits.

        Raises:
            SubscriptFailed
        """
        if os.getpid() != self._owner:
            raise SubscriptFailed("A subscript can only be run by the script's own process, not by one it has forked.")
        body = json.dumps(parameters).encode()
        if len(body) > MAX_BODY_BYTES or len(name) > MAX_HEADER_BYTES // 16:
            raise SubscriptFailed("The name or the parameters of the subscript are too long.")
        with self._calling:
            self.send({"type": "subscript", "name": name, "wait": wait}, body)
            frame = self._receive()
        answer = frame.header
        if not answer["ok"]:
            status = answer["status"]
            raise SubscriptFailed(str(answer["message"]), status=status if isinstance(status, int) else None)
        if not wait:
            return str(answer["jobId"])
        try:
            return json.loads(bytes(frame.body)) if frame.body else None
        except (ValueError, RecursionError) as error:
            # The SDK sends nothing like this, but the subscript's process may.
            raise SubscriptFailed("What the subscript returned cannot be read.") from error

    def _receive(self) -> Frame:
        try:
            while (frame := self._reader.read(self._socket)) is None:
                pass
        except (OSError, EOFError) as error:
            raise SubscriptFailed("The platform has ended this run.") from error
        return frame
