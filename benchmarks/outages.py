"""The mirror during outages: do changes wait for Elasticsearch, and do all of them arrive?

`python -m benchmarks.outages [CHANGES [MINUTES]]` makes at least CHANGES (1,000) mixed changes in MINUTES (10).
Elasticsearch is up and down in turns, so that other load on the machine affects both; while it is up, it is slow or
full now and then. The background program is killed five times. The program prints how long changes took by kind, and
what a check finds 60 s after the last outage.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any

from django.test.utils import setup_test_environment

from benchmarks import mirrored
from testbed.elasticsearch_proxy import AWAY, BUSY, OK
from testbed.stack import PYTHON, ROOT, Machine

TURNS = 20
KILLS = frozenset({3, 8, 17, 24, 31})
"""In these half turns the background program is killed. Elasticsearch is up in even ones, down in odd ones."""
UP = ((OK, 0.0), (OK, 0.5), (BUSY, 0.0), (OK, 0.0), (BUSY, 0.5))
"""The second half of an even half turn: the mode of the proxy, and the delay of every answer in seconds."""
GRACE_SECONDS = 60.0

Took = dict[str, list[float]]


def main(count: int, minutes: float) -> None:
    with (
        mirrored.elasticsearch() as server,
        tempfile.TemporaryDirectory(prefix="udapi-outages-") as directory,
        _proxy(server.url) as proxy,
        mirrored.installation(Path(directory), proxy.url, server.password, "outages") as machine,
    ):
        setup_test_environment()
        try:
            _measure(proxy, _Keeper(machine), Path(directory), count, minutes * 60 / (2 * TURNS))
        finally:
            proxy.be(OK)


class _Proxy:
    """The proxy before Elasticsearch, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders = process.stdin
        self.url = process.stdout.readline().strip()

    def be(self, mode: str, delay: float = 0.0) -> None:
        print(mode, delay, file=self._orders, flush=True)


@contextmanager
def _proxy(target: str) -> Iterator[_Proxy]:
    command = [PYTHON, "-m", "testbed.elasticsearch_proxy", target]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield _Proxy(process)
    finally:
        process.kill()
        process.wait()


class _Keeper:
    """The background program, which keeps the mirror up to date."""

    def __init__(self, machine: Machine) -> None:
        self.kills = 0
        self._machine = machine
        self.start()

    def start(self) -> None:
        self._process = self._machine.start_background()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.kills += 1


def _measure(proxy: _Proxy, keeper: _Keeper, directory: Path, count: int, seconds: float) -> None:
    from testbed.mirror_changes import KINDS, Changes
    from testbed.publisher import Publisher

    changes = Changes(Publisher(), directory)
    for _ in range(2 * len(KINDS)):
        changes.one()
    _wait_for_keeper()
    took: dict[bool, Took] = {True: defaultdict(list), False: defaultdict(list)}
    # Every half turn has the same number of changes of each kind.
    rounds = ceil(count / (2 * TURNS * len(KINDS)))
    for number in range(2 * TURNS):
        is_up = number % 2 == 0
        proxy.be(OK if is_up else AWAY)
        _half_turn(changes, took[is_up], rounds * len(KINDS), seconds, partial(_middle, number, proxy, keeper))
    proxy.be(OK)
    began = time.monotonic()
    _print_times(took)
    print(f"the background program was killed {keeper.kills} times")
    _wait_for_end(began)
    _check()


def _half_turn(changes: Any, took: Took, count: int, seconds: float, middle: Any) -> None:
    from testbed.mirror_changes import KINDS

    began = time.monotonic()
    for number in range(count):
        if number == count // 2:
            middle()
        lasted = changes.one()
        took[KINDS[number % len(KINDS)]].append(lasted)
        time.sleep(max(0, began + (number + 1) * seconds / count - time.monotonic()))


def _middle(number: int, proxy: _Proxy, keeper: _Keeper) -> None:
    if number % 2 == 0:
        proxy.be(*UP[number // 2 % len(UP)])
    if number in KILLS:
        keeper.kill()
        keeper.start()


def _wait_for_keeper() -> None:
    from search import state

    while not state.current().is_reachable:
        time.sleep(0.1)


def _print_times(took: Mapping[bool, Took]) -> None:
    print(f"{'kind':15}{'up, ms':>10}{'down, ms':>10}{'ratio':>8}")
    for kind in took[True]:
        _row(kind, took[True][kind], took[False][kind])
    _row("all", *(list(chain.from_iterable(took[is_up].values())) for is_up in (True, False)))
    longest = {is_up: max(max(each) for each in took[is_up].values()) for is_up in took}
    print(f"longest {longest[True] * 1000:.0f} ms up, {longest[False] * 1000:.0f} ms down")


def _row(name: str, up: list[float], down: list[float]) -> None:
    one, other = statistics.median(up) * 1000, statistics.median(down) * 1000
    print(f"{name:15}{one:10.1f}{other:10.1f}{other / one:8.2f}   of {len(up)} and {len(down)}")


def _wait_for_end(began: float) -> None:
    from search.models import Intent

    while Intent.objects.exists() and time.monotonic() < began + GRACE_SECONDS:
        time.sleep(0.2)
    print(f"{Intent.objects.count()} changes are left {time.monotonic() - began:.0f} s after the last outage")
    time.sleep(max(0, began + GRACE_SECONDS - time.monotonic()))


def _check() -> None:
    from search.drift import check
    from search.indices import MIRRORED

    for kind in MIRRORED.values():
        found = check(kind)
        print(
            f"check of {kind.rows().count()} {kind.name}: "
            f"{len(found.missing)} missing, {len(found.stale)} stale, {len(found.orphaned)} orphaned {found.fault}"
        )


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]]
    main(int(given[0]) if given else 1_000, given[1] if len(given) > 1 else 10.0)
