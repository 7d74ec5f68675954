"""When a node that cannot begin scripts is probed."""

import itertools
import threading
import time

import pytest

from fleet import fitness
from fleet.fitness import Fitness
from testbed.stack import wait_until

FAULT = "no scratch directory"


class ProbedNode:
    """Notes when it was probed. Each probe gets the next of `results`, and finally the last one again and again."""

    def __init__(self, *results: str) -> None:
        self._results = itertools.chain(results, itertools.repeat(results[-1]))
        self.probed_at: list[float] = []
        self.changes: list[bool] = []
        self.fitness = Fitness(3, self._probe, lambda: self.changes.append(self.fitness.is_fit))

    def _probe(self) -> str:
        self.probed_at.append(time.monotonic())
        if (result := next(self._results)) == "raise":
            raise MemoryError
        return result

    def fail_and_recover(self) -> int:
        """How many probes there were."""
        before = len(self.probed_at)
        self.fitness.doubt(FAULT)
        assert not self.fitness.is_fit
        self.fitness.tick()
        wait_until(lambda: self.fitness.is_fit, what="a node that is fit again")
        return len(self.probed_at) - before


@pytest.fixture
def quick(monkeypatch):
    """Pauses of 0.1 to 0.4 seconds."""
    monkeypatch.setattr(fitness, "_FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(fitness, "LONGEST_PAUSE_SECONDS", 0.4)


def test_an_unfit_node_is_probed_after_longer_and_longer_pauses(quick):
    node = ProbedNode(FAULT, FAULT, FAULT, FAULT, FAULT, "")
    assert node.fail_and_recover() == 6
    pauses = [later - earlier for earlier, later in itertools.pairwise(node.probed_at)]
    assert all(pause > least for pause, least in zip(pauses, [0.1, 0.2, 0.4, 0.4, 0.4], strict=True)), pauses
    assert node.changes == [False, True]


def test_a_node_that_fails_again_soon_after_a_probe_is_away_for_longer_each_time(quick, monkeypatch):
    monkeypatch.setattr(fitness, "_FIRST_PAUSE_SECONDS", 0.4)
    monkeypatch.setattr(fitness, "LONGEST_PAUSE_SECONDS", 10)
    node = ProbedNode("")

    def away() -> float:
        failed_at = time.monotonic()
        assert node.fail_and_recover() == 1
        return node.probed_at[-1] - failed_at

    assert away() < 0.4 < away()
    assert away() > 0.8
    monkeypatch.setattr(node.fitness, "_trial_ends_at", 0.0)
    assert away() < 1.6


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_next_tick_restarts_a_thread_that_has_died(quick):
    node = ProbedNode("raise", "")
    node.fitness.doubt(FAULT)
    node.fitness.tick()
    wait_until(lambda: "fitness" not in [thread.name for thread in threading.enumerate()], what="the end of the thread")
    assert not node.fitness.is_fit
    node.fitness.tick()
    wait_until(lambda: node.fitness.is_fit, what="a node that is fit again")


def test_only_the_first_of_many_scripts_that_cannot_begin_is_logged(quick, caplog):
    node = ProbedNode("")
    for _ in range(3):
        node.fitness.doubt(FAULT)
    assert node.changes == [False]
    assert caplog.text.count(f"leaves the fleet until it can begin scripts again: {FAULT}") == 1


def test_a_node_that_ends_is_not_probed(quick):
    node = ProbedNode("")
    node.fitness.doubt(FAULT)
    node.fitness.stop()
    node.fitness.tick()
    assert "fitness" not in [thread.name for thread in threading.enumerate()]
    assert node.probed_at == []
