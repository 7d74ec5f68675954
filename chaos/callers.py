"""Callers of an API while something breaks: what each is told, and after how long."""

import contextlib
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from testbed.publisher import Api

# A caller that is never answered gives up after this time, and is counted.
PATIENCE_SECONDS = 150.0

CLOSED, REFUSED, SILENCE = "closed", "refused", "silence"


@dataclass(frozen=True)
class CallResult:
    """The end of one call.

    `result` is the status (with the code of an error), or how the connection ended. `ended` is the time of day;
    `seconds` and `retry_after` are in seconds. `trigger_id` is empty without an answer.
    """

    marker: str
    ended: float
    seconds: float
    result: str
    text: str = ""
    retry_after: int = 0
    trigger_id: str = ""

    @property
    def is_success(self) -> bool:
        return self.result == "200"

    @property
    def is_honest(self) -> bool:
        """Whether the caller was told what happened. A refused connection never carried a request."""
        return self.is_success or self.result == REFUSED or " code " in self.result

    @property
    def heard(self) -> str:
        """The result, and what its text says about the run."""
        if "may have been executed" in self.text:
            return f"{self.result} (may have run)"
        return f"{self.result} (never started)" if self.is_safe_to_repeat else self.result

    @property
    def is_safe_to_repeat(self) -> bool:
        return "safe to send it again" in self.text

    @property
    def never_started(self) -> bool:
        """Whether the caller was told that the trigger did not run and never will."""
        return self.is_safe_to_repeat or self.result.startswith("503 ")

    @property
    def may_have_run(self) -> bool:
        """Whether the caller was told, or must assume, that the trigger may have run."""
        return self.result == CLOSED or "may have been executed" in self.text


def successes(answers: Sequence[CallResult]) -> list[CallResult]:
    return [answer for answer in answers if answer.is_success]


def call(url: str, api: Api, marker: str, query: str = "") -> CallResult:
    """Trigger the API on a new connection, with `marker` as the body."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE_SECONDS)
    begun = time.monotonic()
    result, text, trigger_id = _exchange(connection, api, marker, query)
    seconds = time.monotonic() - begun
    connection.close()
    return CallResult(marker, time.time(), seconds, result, text, trigger_id=trigger_id)


def _exchange(connection: http.client.HTTPConnection, api: Api, marker: str, query: str) -> tuple[str, str, str]:
    try:
        connection.connect()
    except OSError:
        return REFUSED, "", ""
    try:
        connection.request("POST", api.path + query, marker.encode(), api.headers | {"Content-Type": "text/plain"})
        response = connection.getresponse()
        text = response.read().decode()
    except TimeoutError:
        return SILENCE, "", ""
    except (OSError, http.client.HTTPException):
        return CLOSED, "", ""
    return result_of(response.status, text), text, response.headers["X-Trigger-Id"] or ""


def result_of(status: int, text: str) -> str:
    """The `result` of a call that was answered."""
    if status == 200:
        return "200"
    try:
        return f"{status} code {json.loads(text)['errors'][0]['errorCode']}"
    except (ValueError, KeyError, TypeError):
        return f"{status} without a code"


class CallerLoad:
    """Parallel callers. Each calls again when it is answered and `pause` has passed, `total` times altogether.

    The first calls are spread over `spread` seconds.
    """

    def __init__(
        self, url: str, api: Api, total: int | None = None, query: str = "", pause: float = 0.0, spread: float = 0.0
    ) -> None:
        self.answers: list[CallResult] = []
        self._url, self._api, self._query, self._pause, self._spread = url, api, query, pause, spread
        self._numbers = iter(range(total)) if total is not None else itertools.count()
        self._lock, self._stopped = threading.Lock(), threading.Event()

    def run(self, callers: int) -> None:
        """Call until the total is reached."""
        with ThreadPoolExecutor(callers) as threads:
            for caller in [threads.submit(self._call_on, self._spread * place / callers) for place in range(callers)]:
                caller.result()

    @contextmanager
    def going_on(self, callers: int) -> Iterator["CallerLoad"]:
        """Call during the `with` block."""
        thread = threading.Thread(target=self.run, args=(callers,))
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    @property
    def is_over(self) -> bool:
        """Whether every call of the total has started."""
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
    """The time until a trigger succeeds; at least `limit` when none does."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < limit:
        with contextlib.suppress(OSError):
            if call(url, api, f"again-{passed:.3f}").is_success:
                return time.monotonic() - begun
        time.sleep(0.1)
    return passed
