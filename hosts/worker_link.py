"""The script's end of the job socket: its link to the worker."""

import json
import os
import threading
from _socket import socket

from automation.sdk import SubscriptFailed
from hosts.frames import MAX_HEADER_BYTES, Frame, FrameReader, pack
from hosts.jobs import MAX_BODY_BYTES


class WorkerLink:
    """Sends the answer and calls subscripts; safe for several threads of a script."""

    def __init__(self, job_socket: socket) -> None:
        self._socket = job_socket
        self._reader = FrameReader(MAX_HEADER_BYTES, 0)
        self._owner = os.getpid()
        self._calling = threading.Lock()
        # Not the lock for calls: the answer may be due while a thread still waits for a subscript.
        self._sending = threading.Lock()

    def send(self, header: dict[str, object], body: bytes | memoryview = b"") -> None:
        """Send a whole frame. Raises OSError if the worker is gone."""
        with self._sending:
            for buffer in pack(header, body):
                self._socket.sendall(buffer)

    def run_subscript(self, name: str, parameters: dict[str, str], wait: bool) -> str | None:
        """Have the worker run a subscript; returns the job's id unless the script waits. Raises SubscriptFailed."""
        if os.getpid() != self._owner:
            raise SubscriptFailed("A subscript can only be run by the script's own process, not by one it has forked.")
        body = json.dumps(parameters).encode()
        if len(body) > MAX_BODY_BYTES or len(name) > MAX_HEADER_BYTES // 16:
            raise SubscriptFailed("The name or the parameters of the subscript are too long.")
        with self._calling:
            self.send({"type": "subscript", "name": name, "wait": wait}, body)
            answer = self._receive().header
        if not answer["ok"]:
            raise SubscriptFailed(str(answer["message"]))
        return None if wait else str(answer["jobId"])

    def _receive(self) -> Frame:
        try:
            while (frame := self._reader.read(self._socket)) is None:
                pass
        except (OSError, EOFError) as error:
            raise SubscriptFailed("The platform has ended this run.") from error
        return frame
