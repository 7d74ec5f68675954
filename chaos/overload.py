"""More callers than the fleet can serve: how many succeed, how many are refused, and what they are told."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from urllib.parse import urlsplit

from chaos.callers import CLOSED, REFUSED, CallResult, result_of, successes
from chaos.marks import Marks
from chaos.rows import ReportRow, answered_row, check_row, success_row
from chaos.trial import Trial
from testbed.publisher import Api
from testbed.stack import Stack

SCRIPT_SECONDS, SLOW_SECONDS = 0.05, 2.0
LEAST_GOODPUT, LEAST_USEFUL = 0.9, 0.99
CALM_FACTOR, MOST_REFUSED = 0.8, 0.001
# A fast API is served again within this time after a burst of slow calls.
PASSES_SECONDS = 10.0
_WARM_UP_SECONDS = 3.0
_CALLERS = 32
# Callers that come back after `Retry-After` compete with others that were told the same.
_ATTEMPTS = 6
_BUSY = "503 code 7"


class AsyncCallers:
    """Callers of one API in one thread, each call on a new connection."""

    def __init__(self, stack: Stack, api: Api, seconds: float) -> None:
        address = urlsplit(stack.url)
        self._where = str(address.hostname), int(address.port or 80)
        headers = api.headers | {"Host": address.netloc, "Content-Type": "text/plain", "Connection": "close"}
        first = f"POST {api.path}?seconds={seconds} HTTP/1.1"
        self._head = "\r\n".join([first, *(f"{name}: {value}" for name, value in headers.items())])
        self._count = 0

    def closed(self, seconds: float) -> float:
        """The successes per second of 32 callers, each of which calls again as soon as it is answered."""
        return len(successes(asyncio.run(self._closed(seconds)))) / seconds

    def at_rate(self, rate: float, seconds: float) -> list[CallResult]:
        """`rate` calls per second, even if no answers come back."""
        return asyncio.run(self._open([number / rate for number in range(int(rate * seconds))], self._call))

    def at_once(self, count: int) -> list[CallResult]:
        """`count` calls at the same moment."""
        return asyncio.run(self._open([0.0] * count, self._call))

    def at_once_and_again(self, count: int) -> list[CallResult]:
        """`count` calls at the same moment; a caller that is refused calls again after `Retry-After`."""
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
            if answer.is_success or answer.may_have_run:
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
    trial: Trial, *, seconds: float, factors: Sequence[float], deadline: float, judges_bursts: bool = True
) -> list[ReportRow]:
    """Calls at multiples of the rate that 32 callers reach, each for `seconds`; then bursts.

    `deadline` is the stack's time limit of a trigger in seconds. Without `judges_bursts`, the only burst is the one
    of a slow API, after which a fast one is served again.
    """
    with Marks(trial.stack.state_dir) as marks:
        callers = AsyncCallers(trial.stack, trial.publish(marks.source), SCRIPT_SECONDS)
        callers.closed(_WARM_UP_SECONDS)
        capacity = callers.closed(min(10.0, seconds))
        rows: list[ReportRow] = []
        for factor in factors:
            answers = callers.at_rate(factor * capacity, seconds)
            name = f"{factor:g} times the capacity of {capacity:.0f}/s for {seconds:g} s"
            rows += [answered_row(name, answers, trial.limit), *_judged(answers, marks, factor, capacity * seconds)]
        unknown, slow = (trial.publish(marks.source) for _ in range(2))
        fast, fitting = AsyncCallers(trial.stack, unknown, SCRIPT_SECONDS), int(capacity * deadline)
        bursts = _bursts(fast, fitting) if judges_bursts else []
        return [*rows, *bursts, _after_slow_burst(fast, AsyncCallers(trial.stack, slow, SLOW_SECONDS), fitting)]


def _judged(answers: list[CallResult], marks: Marks, factor: float, most: float) -> list[ReportRow]:
    """The share of `most` calls that succeeded, and of the runs that a caller still waited for."""
    refused = [answer for answer in answers if answer.result == _BUSY]
    if factor < 1:
        too_many = max(0, len(refused) - int(len(answers) * MOST_REFUSED))
        return [ReportRow("  at most 1 in 1,000 refused", len(answers), len(answers) - too_many)]
    served, begun = len(successes(answers)), marks.begun()
    goodput = served / most
    useful = served / max(1, sum(answer.marker in begun for answer in answers))
    told = [answer for answer in refused if answer.retry_after > 0]
    return [
        check_row("  successes, compared with the capacity", goodput >= LEAST_GOODPUT, note=f"{goodput:.1%}"),
        check_row("  runs whose caller got the answer", useful >= LEAST_USEFUL, note=f"{useful:.2%}"),
        ReportRow("  refused, and told when to call again", len(refused), len(told)),
    ]


def _bursts(unknown: AsyncCallers, fitting: int) -> list[ReportRow]:
    """Bursts of calls of an API that was never called before."""
    whole = unknown.at_once(int(fitting * CALM_FACTOR))
    doubled = unknown.at_once_and_again(fitting * 2)
    return [
        success_row("a burst that fits its deadline", whole),
        success_row("  twice that; refused callers come back", doubled),
    ]


def _after_slow_burst(fast: AsyncCallers, slow: AsyncCallers, fitting: int) -> ReportRow:
    slow.at_once(fitting)
    begun = time.monotonic()
    while not fast.at_once(1)[0].is_success and time.monotonic() - begun < PASSES_SECONDS:
        time.sleep(0.1)
    passed = time.monotonic() - begun
    return check_row("  a fast API after a burst of a slow one", passed < PASSES_SECONDS, passed)
