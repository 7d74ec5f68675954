"""A client of the live stream, for tests."""

import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from testbed.stack import wait_until

ADDRESS = "/api/management/events/stream/"


@dataclass(frozen=True)
class Message:
    id: int
    type: str
    data: dict[str, Any]


class Listener:
    """Reads a live stream in a thread. Once constructed, it has the headers of the answer, which may be a refusal."""

    def __init__(self, url: str, key: str, last_id: str | None = None, query: dict[str, Any] | None = None) -> None:
        # A personal key, or a whole header such as "Cookie: …".
        name, _, value = key.partition(": ")
        headers = {name: value} if value else {"Authorization": f"Token {key}"}
        headers |= {"Last-Event-ID": last_id} if last_id else {}
        self._client = httpx.Client(base_url=url, timeout=60, verify=False)  # noqa: S501  made for the test
        request = self._client.build_request("GET", ADDRESS, headers=headers, params=query)
        self.response = self._client.send(request, stream=True)
        self.messages: list[Message] = []
        self.comments = 0
        self.last_id: str | None = last_id
        self.has_ended = threading.Event()
        if self.response.status_code != 200:
            self.response.read()
            self.has_ended.set()
            return
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: self.last_id is not None or self.has_ended.is_set(), what="the first line")

    def wait_for(self, count: int, seconds: float = 20) -> list[Message]:
        """Wait until there are `count` messages; returns all."""
        wait_until(lambda: len(self.messages) >= count, seconds, f"{count} messages, there are {len(self.messages)}")
        return self.messages

    def names(self) -> list[str]:
        """The texts of the messages."""
        return [message.data["message"] for message in self.messages]

    def close(self) -> None:
        with suppress(OSError):
            # Closing alone would wait for the reading thread.
            self.response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self.has_ended.wait(5)
        self._client.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines():
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                else:
                    self._dispatch(fields)
                    fields = {}
        except (httpx.HTTPError, httpx.StreamError, OSError, AttributeError, ValueError):
            pass  # closed by either side
        finally:
            self.has_ended.set()

    def _dispatch(self, fields: dict[str, str]) -> None:
        self.last_id = fields.get("id", self.last_id)
        if "data" in fields:
            assert self.last_id is not None
            self.messages.append(Message(int(self.last_id), fields["event"], json.loads(fields["data"])))
