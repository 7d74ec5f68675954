"""Callers of an API while something breaks: what each was told, and how long it took."""

import contextlib
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from testbed.publishing import Api

# Nobody is waited for longer than this, so that a caller who is never answered is counted and does not hang.
PATIENCE_SECONDS = 150.0

CLOSED, REFUSED, SILENCE = "closed", "refused", "silence"


@dataclass(frozen=True)
class CallResult:
    """One call: `result` is the status, with the error code where it is one, or how the connection ended; `ended`
    is the time of day, `retry_after` in seconds."""

    marker: str
    ended: float
    seconds: float
    result: str
    text: str = ""
    retry_after: int = 0

    @property
    def is_honest(self) -> bool:
        """An answer of the script or of the catalogue; a refused connection never carried a request."""
        return self.result == "200" or self.result == REFUSED or " code " in self.result

    @property
    def heard(self) -> str:
        """The result, and what its text says of the run."""
        if "may have been executed" in self.text:
            return f"{self.result} (may have run)"
        return f"{self.result} (never started)" if "safe to send it again" in self.text else self.result

    @property
    def never_started(self) -> bool:
        """Whether the caller was told that the trigger did not run and never will."""
        return "safe to send it again" in self.text or self.result.startswith("503 ")

    @property
    def may_have_run(self) -> bool:
        """Whether the caller was told, or has to assume, that the trigger may have run."""
        return self.result == CLOSED or "may have been executed" in self.text


def call(url: str, api: Api, marker: str, query: str = "") -> CallResult:
    """One trigger on a connection of its own, with `marker` as its body."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE_SECONDS)
    begun = time.monotonic()
    result, text = _exchange(connection, api, marker, query)
    seconds = time.monotonic() - begun
    connection.close()
    return CallResult(marker, time.time(), seconds, result, text)


def _exchange(connection: http.client.HTTPConnection, api: Api, marker: str, query: str) -> tuple[str, str]:
    try:
        connection.connect()
    except OSError:
        return REFUSED, ""
    try:
        connection.request("POST", api.path + query, marker.encode(), api.headers | {"Content-Type": "text/plain"})
        response = connection.getresponse()
        text = response.read().decode()
    except TimeoutError:
        return SILENCE, ""
    except (OSError, http.client.HTTPException):
        return CLOSED, ""
    return result_of(response.status, text), text


def result_of(status: int, text: str) -> str:
    if status == 200:
        return "200"
    try:
        return f"{status} code {json.loads(text)['errors'][0]['errorCode']}"
    except (ValueError, KeyError, TypeError):
        return f"{status} no catalogue"


class CallerLoad:
    """Callers side by side, each calling again as soon as it is answered, the first time within `spread` seconds."""

    def __init__(
        self, url: str, api: Api, total: int | None = None, query: str = "", pause: float = 0.0, spread: float = 0.0
    ) -> None:
        self.answers: list[CallResult] = []
        self._url, self._api, self._query, self._pause, self._spread = url, api, query, pause, spread
        self._numbers = iter(range(total)) if total is not None else itertools.count()
        self._lock, self._stopped = threading.Lock(), threading.Event()

    def run(self, callers: int) -> None:
        """Call until the total is reached or `stop` is called."""
        with ThreadPoolExecutor(callers) as threads:
            for caller in [threads.submit(self._call_on, self._spread * place / callers) for place in range(callers)]:
                caller.result()

    @contextmanager
    def going_on(self, callers: int) -> Iterator["CallerLoad"]:
        """Meanwhile the callers call; they end with the block."""
        thread = threading.Thread(target=self.run, args=(callers,))
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    @property
    def is_over(self) -> bool:
        """Whether every call of the total has begun."""
        return self._stopped.is_set()

    def _call_on(self, first_after: float) -> None:
        self._stopped.wait(first_after)
        while not self._stopped.is_set():
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                self._stopped.set()
                return
            self.answers.append(call(self._url, self._api, f"mark-{number}", self._query))
            self._stopped.wait(self._pause)


def seconds_until_success(url: str, api: Api, limit: float) -> float:
    """How long it takes until a trigger succeeds; `limit` and more when none does."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < limit:
        with contextlib.suppress(OSError):
            if call(url, api, f"again-{passed:.3f}").result == "200":
                return time.monotonic() - begun
        time.sleep(0.1)
    return passed
