"""The way to Redis goes silent, without a reset: for one of two worker nodes, then for a web server."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from chaos.callers import CallResult, call
from chaos.report import ReportRow
from chaos.trial import during
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS
from testbed.publishing import Api, Publisher
from testbed.stack import Stack, wait_until
from testbed.tcp_proxy import TcpProxy

LEAVES_WITHIN_SECONDS = HEARTBEAT_ENDS_AFTER_SECONDS + 2.0
DEAF_SECONDS = 8.0
_NODE = 4711
# One after the other, they could all go to the other node.
_ASKED_AT_ONCE = 8
# The answer to a failed run names its node.
_FAIL = """
def on_api_trigger(engine, request):
    raise RuntimeError("no")
"""


@contextmanager
def _network(stack: Stack) -> Iterator[tuple[TcpProxy, str]]:
    """A way to Redis that can be silenced, and the address that leads there."""
    password = stack.data.redis_password_file.read_text().strip()
    proxy = TcpProxy(str(stack.data.redis_socket))
    try:
        yield proxy, f"redis://:{password}@127.0.0.1:{proxy.port}/0"
    finally:
        proxy.close()


def worker(stack: Stack, publish: Publisher, *, short: float, long: float, limit: float) -> list[ReportRow]:
    """One of two nodes is cut off for `short` seconds, then for `long`, which is enough to leave the fleet."""
    with _network(stack) as (network, address), stack.another_worker(REDIS_URL=address, UDAPI_NODE_ID=str(_NODE)):
        return [*_briefly(stack, publish, network, short, limit), *_for_long(stack, publish, network, long, limit)]


def _silence(network: TcpProxy, seconds: float) -> None:
    network.is_silent = True
    time.sleep(seconds)
    network.is_silent = False


def _briefly(stack: Stack, publish: Publisher, network: TcpProxy, seconds: float, limit: float) -> list[ReportRow]:
    """The node tries to hand its answers over until it can, so that every run is answered."""
    name = f"partition: one of two workers, {seconds:g} s"
    return during(stack, publish, name, partial(_silence, network, seconds), limit, answers_runs=True)


def _for_long(stack: Stack, publish: Publisher, network: TcpProxy, seconds: float, limit: float) -> list[ReportRow]:
    """The node leaves the fleet, the other one goes on, and the node is back soon after the silence."""
    failing, more = publish(_FAIL), []

    def fault() -> None:
        begun = time.monotonic()
        with ThreadPoolExecutor() as background:
            silence = background.submit(_silence, network, seconds)
            wait_until(lambda: stack.nodes() == 1, seconds, "one node")
            gone = time.monotonic() - begun
            silence.result()
        back = _seconds_until_heard(stack, failing)
        more.append(_within("left the fleet", LEAVES_WITHIN_SECONDS, gone))
        more.append(_within("runs triggers again", DEAF_SECONDS, back))

    return [*during(stack, publish, f"partition: one of two workers, {seconds:g} s", fault, limit), *more]


def _within(what: str, limit: float, seconds: float) -> ReportRow:
    return ReportRow(f"  {what} within {limit:g} s", 1, int(seconds < limit), seconds)


def _seconds_until_heard(stack: Stack, failing: Api) -> float:
    """How long it takes until the node that was cut off runs a trigger."""
    begun = time.monotonic()
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as callers:
        while (passed := time.monotonic() - begun) < 3 * DEAF_SECONDS:
            answers = list(callers.map(lambda _: call(stack.url, failing, "who"), range(_ASKED_AT_ONCE)))
            if any(_is_of_node(answer) for answer in answers):
                return time.monotonic() - begun
    return passed


def _is_of_node(answer: CallResult) -> bool:
    return answer.result == "500 code 12" and bool(json.loads(answer.text)["errors"][0]["faultingNode"] == _NODE)


def web(stack: Stack, publish: Publisher, *, seconds: float, run_seconds: float, limit: float) -> list[ReportRow]:
    """The web server is cut off for `seconds`, while jobs of its callers wait for others that take `run_seconds`."""
    with _network(stack) as (network, address), stack.another_web(REDIS_URL=address) as cut_off:
        name, fault = f"partition: the web server, {seconds:g} s", partial(_silence, network, seconds)
        return during(stack, publish, name, fault, limit, url=cut_off.url, run_seconds=run_seconds)
