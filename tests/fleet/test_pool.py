"""The threads of a worker node. A request that is submitted in one of them runs there, after the present one."""

import threading

import pytest

from fleet.pool import TaskPool, concurrency_limit
from testbed.stack import wait_until


@pytest.fixture
def pool():
    made = TaskPool()
    yield made
    made.stop()


class Requests:
    """Requests that note when and where they run."""

    def __init__(self, pool: TaskPool) -> None:
        self.pool = pool
        self.notes: list[tuple[str, str, int]] = []
        self.idle = threading.Semaphore(0)
        pool.when_idle = self.idle.release

    def apply(self, name: str, do=lambda: None):
        def target() -> None:
            self._note(name, "runs")
            do()

        return self.pool.apply_async(
            target,
            accept_callback=lambda _pid, _time: self._note(name, "accepted"),
            callback=lambda _result: self._note(name, "ready"),
        )

    def _note(self, name: str, what: str) -> None:
        self.notes.append((name, what, threading.get_ident()))

    def steps(self) -> list[str]:
        return [f"{name} {what}" for name, what, _ in self.notes]


@pytest.fixture
def requests(pool):
    return Requests(pool)


def test_number_of_threads_ignores_the_command_line():
    pool = TaskPool(100)
    assert pool.limit == pool.executor._max_workers == concurrency_limit()
    pool.stop()


def test_a_request_from_a_thread_of_the_pool_runs_there_after_the_present_one(requests):
    def hand_over() -> None:
        assert requests.apply("second") is None
        assert requests.pool.has_next_here and not requests.pool.has_waiting

    assert not requests.pool.has_next_here
    requests.apply("first", hand_over).get(10)
    assert requests.steps() == [
        *("first accepted", "first runs", "first ready"),
        *("second accepted", "second runs", "second ready"),
    ]
    assert len({thread for _, _, thread in requests.notes}) == 1


def test_pool_says_when_requests_wait(requests):
    go_on = threading.Event()
    results = [requests.apply(f"{number}", go_on.wait) for number in range(concurrency_limit() + 1)]
    wait_until(lambda: len(requests.notes) == 2 * concurrency_limit(), what="every thread at work")
    assert requests.pool.has_waiting
    go_on.set()
    for result in results:
        result.get(10)
    assert not requests.pool.has_waiting


def test_idle_thread_calls_when_idle(requests):
    requests.apply("one").get(10)
    assert requests.idle.acquire(timeout=10)


def test_request_after_one_that_raises_runs_in_another_thread(requests, caplog):
    def break_off() -> None:
        requests.apply("second")
        raise OSError("broken off")

    requests.apply("first", break_off)
    for _ in range(2):
        assert requests.idle.acquire(timeout=10)
    assert requests.steps() == ["first accepted", "first runs", "second accepted", "second runs", "second ready"]
    wait_until(lambda: "broken off" in caplog.text, what="the error in the log")
