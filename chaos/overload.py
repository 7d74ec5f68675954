"""More callers than the fleet can serve: who is served, who is refused, and what they are told."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from urllib.parse import urlsplit

from chaos.callers import CLOSED, REFUSED, CallResult, result_of
from chaos.marks import Marks
from chaos.report import ReportRow, row
from testbed.publishing import Api, Publisher
from testbed.stack import Stack

SCRIPT_SECONDS, SLOW_SECONDS = 0.05, 2.0
LEAST_GOODPUT, LEAST_USEFUL = 0.9, 0.99
CALM_FACTOR, MOST_REFUSED = 0.8, 0.001
# How soon a fast API is served again after a burst of slow calls.
PASSES_SECONDS = 10.0
_WARM_UP_SECONDS = 3.0
_CALLERS = 32
# Who comes back finds others who were told the same.
_ATTEMPTS = 6
_BUSY = "503 code 7"


class Callers:
    """Callers of one API, each call on a connection of its own."""

    def __init__(self, stack: Stack, api: Api, seconds: float) -> None:
        address = urlsplit(stack.url)
        self._where = str(address.hostname), int(address.port or 80)
        headers = api.headers | {"Host": address.netloc, "Content-Type": "text/plain", "Connection": "close"}
        first = f"POST {api.path}?seconds={seconds} HTTP/1.1"
        self._head = "\r\n".join([first, *(f"{name}: {value}" for name, value in headers.items())])
        self._count = 0

    def closed(self, seconds: float) -> float:
        """32 callers, each of which calls again as soon as it is answered; how many succeed per second."""
        succeeded = [answer for answer in asyncio.run(self._closed(seconds)) if answer.result == "200"]
        return len(succeeded) / seconds

    def at_rate(self, rate: float, seconds: float) -> list[CallResult]:
        """`rate` calls per second, however late their answers are."""
        return asyncio.run(self._open([number / rate for number in range(int(rate * seconds))], self._call))

    def at_once(self, count: int) -> list[CallResult]:
        """`count` calls at the same moment."""
        return asyncio.run(self._open([0.0] * count, self._call))

    def at_once_and_again(self, count: int) -> list[CallResult]:
        """The same; a caller who is refused calls once more after `Retry-After`."""
        return asyncio.run(self._open([0.0] * count, self._call_until_served))

    async def _closed(self, seconds: float) -> list[CallResult]:
        answers: list[CallResult] = []
        until = time.monotonic() + seconds

        async def call_on() -> None:
            while time.monotonic() < until:
                answers.append(await self._call())

        await asyncio.gather(*(call_on() for _ in range(_CALLERS)))
        return answers

    async def _open(
        self, moments: Sequence[float], call: Callable[[], Coroutine[None, None, CallResult]]
    ) -> list[CallResult]:
        begun, calls = time.monotonic(), []
        for moment in moments:
            if (wait := begun + moment - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            calls.append(asyncio.create_task(call()))
        return await asyncio.gather(*calls)

    async def _call_until_served(self) -> CallResult:
        for _ in range(_ATTEMPTS):
            answer = await self._call()
            if answer.result == "200" or answer.may_have_run:
                break
            await asyncio.sleep(answer.retry_after)
        return answer

    async def _call(self) -> CallResult:
        self._count += 1
        marker, begun = f"mark-{id(self)}-{self._count}", time.monotonic()
        result, text, retry_after = await self._exchange(marker)
        return CallResult(marker, time.time(), time.monotonic() - begun, result, text, retry_after)

    async def _exchange(self, marker: str) -> tuple[str, str, int]:
        try:
            reader, writer = await asyncio.open_connection(*self._where)
        except OSError:
            return REFUSED, "", 0
        try:
            writer.write(f"{self._head}\r\nContent-Length: {len(marker)}\r\n\r\n{marker}".encode())
            head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
        except OSError:
            return CLOSED, "", 0
        finally:
            writer.close()
        if not text:
            return CLOSED, "", 0
        _, _, after = head.lower().partition("\r\nretry-after: ")
        return result_of(int(head.split(" ", 2)[1]), text), text, int(after.split("\r\n", 1)[0] or 0)


def overload(
    stack: Stack, publish: Publisher, *, seconds: float, factors: Sequence[float], deadline: float, limit: float
) -> list[ReportRow]:
    """Calls at multiples of the rate that 32 callers reach, each for `seconds`; then bursts.

    The callers of `stack` wait for `deadline` seconds; each must be answered within `limit`.
    """
    with Marks(stack.state_dir) as marks:
        api = publish(marks.source)
        callers = Callers(stack, api, SCRIPT_SECONDS)
        callers.closed(_WARM_UP_SECONDS)
        capacity = callers.closed(min(10.0, seconds))
        rows: list[ReportRow] = []
        for factor in factors:
            answers = callers.at_rate(factor * capacity, seconds)
            name = f"{factor:g} times the capacity of {capacity:.0f}/s for {seconds:g} s"
            rows += [row(name, answers, limit), *_judged(answers, marks, factor, capacity * seconds)]
        return rows + _bursts(stack, publish(marks.source), publish(marks.source), int(capacity * deadline), limit)


def _judged(answers: list[CallResult], marks: Marks, factor: float, most: float) -> list[ReportRow]:
    served = [answer for answer in answers if answer.result == "200"]
    refused = [answer for answer in answers if answer.result == _BUSY]
    if factor < 1:
        too_many = max(0, len(refused) - int(len(answers) * MOST_REFUSED))
        return [ReportRow("  at most 1 in 1,000 refused", len(answers), len(answers) - too_many, 0.0)]
    goodput = len(served) / most
    begun = marks.begun()
    started = [answer for answer in answers if answer.marker in begun]
    useful = len(served) / max(1, len(started))
    told = [answer for answer in refused if answer.retry_after > 0]
    return [
        ReportRow("  served, of the capacity", 1, int(goodput >= LEAST_GOODPUT), 0.0, f"{goodput:.1%}"),
        ReportRow("  useful, of the runs that started", 1, int(useful >= LEAST_USEFUL), 0.0, f"{useful:.2%}"),
        ReportRow("  refused, and told when to call again", len(refused), len(told), 0.0),
    ]


def _bursts(stack: Stack, unknown: Api, slow: Api, fitting: int, limit: float) -> list[ReportRow]:
    """Bursts of an API that was never called before, and of one that is slow."""
    fast = Callers(stack, unknown, SCRIPT_SECONDS)
    whole = fast.at_once(int(fitting * CALM_FACTOR))
    doubled = fast.at_once_and_again(fitting * 2)
    Callers(stack, slow, SLOW_SECONDS).at_once(fitting)
    begun = time.monotonic()
    while fast.at_once(1)[0].result != "200" and time.monotonic() - begun < PASSES_SECONDS:
        time.sleep(0.1)
    passed = time.monotonic() - begun
    return [
        _all_served("a burst that fits its deadline", whole, limit),
        _all_served("  twice that; the refused come back when told", doubled, limit),
        ReportRow("  a fast API after a burst of a slow one", 1, int(passed < PASSES_SECONDS), passed),
    ]


def _all_served(name: str, answers: list[CallResult], limit: float) -> ReportRow:
    heard = row(name, answers, limit)
    served = len([answer for answer in answers if answer.result == "200"])
    return ReportRow(name, heard.tried, served, heard.worst_seconds, heard.note)
