"""The network to Redis drops all bytes without a reset: for one of two worker nodes, then for a web server."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from chaos.callers import CallResult, call
from chaos.rows import ReportRow, check_row
from chaos.trial import Trial
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS
from testbed.publisher import Api
from testbed.stack import Stack, wait_until
from testbed.tcp_proxy import TcpProxy

LEAVES_WITHIN_SECONDS = HEARTBEAT_ENDS_AFTER_SECONDS + 2.0
DEAF_SECONDS = 8.0
_NODE = 4711
# Single calls could all go to the other node.
_ASKED_AT_ONCE = 8
# The answer to a failed run names its node.
_FAIL = """
def on_api_trigger(engine, request):
    raise RuntimeError("no")
"""


@contextmanager
def _network(stack: Stack) -> Iterator[tuple[TcpProxy, str]]:
    """A proxy before Redis that can be silenced, and its URL."""
    password = stack.data.redis_password_file.read_text().strip()
    proxy = TcpProxy(str(stack.data.redis_socket))
    try:
        yield proxy, f"redis://:{password}@127.0.0.1:{proxy.port}/0"
    finally:
        proxy.close()


def worker(trial: Trial, *, short: float, long: float, judges_runs: bool = True) -> list[ReportRow]:
    """One of two nodes is cut off for `short` seconds, then for `long`, after which it leaves the fleet.

    Without `judges_runs`, a caller may give up before a node on a busy machine has delivered its answer.
    """
    name = "partition: one of two workers, {:g} s"
    with _network(trial.stack) as (network, url), trial.stack.another_worker(REDIS_URL=url, UDAPI_NODE_ID=str(_NODE)):
        # A node tries to deliver its answers until it can: every run is answered.
        brief = trial.during(name.format(short), partial(_silence, network, short), answers_runs=judges_runs)
        return [*brief, *_for_long(trial, network, name.format(long), long)]


def _silence(network: TcpProxy, seconds: float) -> None:
    network.is_silent = True
    time.sleep(seconds)
    network.is_silent = False


def _for_long(trial: Trial, network: TcpProxy, name: str, seconds: float) -> list[ReportRow]:
    """The node leaves the fleet, the other one goes on, and the node is back soon after the silence."""
    stack, failing, more = trial.stack, trial.publish(_FAIL), []

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

    return [*trial.during(name, fault), *more]


def _within(what: str, limit: float, seconds: float) -> ReportRow:
    return check_row(f"  {what} within {limit:g} s", seconds < limit, seconds)


def _seconds_until_heard(stack: Stack, failing: Api) -> float:
    """The time until the node that was cut off runs a trigger."""
    begun = time.monotonic()
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as callers:
        while (passed := time.monotonic() - begun) < 3 * DEAF_SECONDS:
            answers = list(callers.map(lambda _: call(stack.url, failing, "who"), range(_ASKED_AT_ONCE)))
            if any(_is_of_node(answer) for answer in answers):
                return time.monotonic() - begun
    return passed


def _is_of_node(answer: CallResult) -> bool:
    return answer.result == "500 code 12" and bool(json.loads(answer.text)["errors"][0]["faultingNode"] == _NODE)


def web(trial: Trial, *, seconds: float, run_seconds: float) -> list[ReportRow]:
    """The web server is cut off for `seconds`, while jobs of its callers wait behind runs of `run_seconds`."""
    with _network(trial.stack) as (network, url), trial.stack.another_web(REDIS_URL=url) as cut_off:
        name, fault = f"partition: the web server, {seconds:g} s", partial(_silence, network, seconds)
        return trial.during(name, fault, url=cut_off.url, run_seconds=run_seconds)
