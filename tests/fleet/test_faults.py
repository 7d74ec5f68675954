"""Answers stay true when Redis or a worker freezes, or Redis comes back with old data."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from fleet import cancellation, redis_keys
from fleet.pool import concurrency_limit
from testbed.stack import Stack, own_data_dir, wait_until
from testbed.tcp_proxy import TcpProxy
from tests.fleet.conftest import Held

NOTES_ITS_BEGINNING = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    with open({file!r}, "a") as notes:
        notes.write(f"{{request.raw_body}} {{time.monotonic()}}\\n")
    time.sleep(0.05)
    return ApiTriggerOutput(response_body="done")
"""


@pytest.fixture(scope="module")
def running_impatient(django_db_setup, database_url, tmp_path_factory):
    """Use `impatient`, which also opens the database."""
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("impatient") / "data", database_url)
    with Stack(data_dir, shared | {"UDAPI_TRIGGER_TIMEOUT_SECONDS": "4"}) as stack:
        yield stack


@pytest.fixture
def impatient(running_impatient, open_db) -> Stack:
    """A stack whose callers wait four seconds. It has no worker node after a test that used `network`."""
    stack: Stack = running_impatient
    return stack


class Notes:
    """When each run of an API began, and when its caller was answered, both on the machine's monotonic clock."""

    def __init__(self, stack: Stack, publish, name: str) -> None:
        self._file = stack.state_dir / name
        self._stack, self._api = stack, publish(NOTES_ITS_BEGINNING.format(file=str(self._file)))
        self.answered: dict[str, float] = {}

    def call(self, name: str, client: httpx.Client | None = None):
        answer = self._api.call(client or self._stack.client, content=name, headers={"Content-Type": "text/plain"})
        self.answered[name] = time.monotonic()
        return answer

    def begun(self) -> dict[str, float]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return {name: float(moment) for name, moment in (line.split() for line in lines)}

    def late(self) -> list[str]:
        """The runs that began after their callers were answered."""
        return [name for name, begun in self.begun().items() if begun > self.answered[name]]


@pytest.fixture
def notes(impatient, publish, tmp_path) -> Notes:
    return Notes(impatient, publish, tmp_path.name)


def test_a_job_that_a_frozen_redis_receives_late_never_runs(impatient, notes):
    impatient.mend()
    with ThreadPoolExecutor(8) as callers:
        # Open a connection for each thread of the web server.
        list(callers.map(notes.call, [f"before{number}" for number in range(8)]))
        impatient.redis.send_signal(signal.SIGSTOP)
        try:
            answers = list(callers.map(notes.call, [f"frozen{number}" for number in range(8)]))
        finally:
            impatient.redis.send_signal(signal.SIGCONT)
    assert {answer.json()["errors"][0]["errorCode"] for answer in answers} <= {1001, 1006}
    wait_until(lambda: notes.call("after").status_code == 200, what="a trigger after that")
    assert not [name for name in notes.begun() if name.startswith("frozen")]


def claim() -> bytes:
    """A part of claims that no other command contains."""
    return f"{redis_keys.run('')}\r\n".encode()


@pytest.fixture
def network(impatient):
    """A proxy between Redis and the only worker of the impatient stack, which tolerates ten seconds of silence."""
    proxy = TcpProxy(str(impatient.data.redis_socket))
    password = impatient.data.redis_password_file.read_text().strip()
    impatient.stop_worker()
    wait_until(lambda: impatient.nodes() == 0, what="no node")
    address = f"redis://:{password}@127.0.0.1:{proxy.port}/0"
    impatient.worker = impatient.start_worker(REDIS_URL=address, UDAPI_TRIGGER_TIMEOUT_SECONDS="60")
    wait_until(lambda: impatient.nodes() == 1, what="a node behind the proxy")
    yield proxy
    proxy.close()
    impatient.stop_worker()
    with impatient.redis_client() as redis:
        # Claims that were never answered, and the heartbeat of a node that could not take its leave.
        redis.flushall()


def test_a_claim_whose_answer_comes_late_is_not_run(network, notes):
    assert notes.call("first").status_code == 200
    # The caller waits four seconds.
    network.marker, network.delay = claim(), 5
    answer = notes.call("late")
    assert answer.json()["errors"][0]["errorCode"] == 1001
    network.marker = b""
    time.sleep(3)
    assert "late" not in notes.begun()


def await_a_beat(stack: Stack) -> None:
    """Wait for the next heartbeat of the only node; the one after that comes two seconds later."""
    with stack.redis_client() as redis:

        def told() -> list[bytes | None]:
            return [
                redis.get(redis_keys.node(instance.decode())) for instance in redis.zrange(redis_keys.nodes(), 0, -1)
            ]

        before = told()
        wait_until(lambda: told() != before, what="a heartbeat")


def test_a_claim_whose_answer_comes_later_is_run_only_while_the_caller_waits(network, notes, impatient):
    assert notes.call("first").status_code == 200
    refusals = impatient.log_text("manager.log").count("came too late")
    with impatient.another_web(UDAPI_TRIGGER_TIMEOUT_SECONDS="30") as web:
        network.marker, network.delay = claim(), 1.05
        # One that began in the twentieth of a second before the job would not name it, and the caller would give up.
        await_a_beat(impatient)
        assert notes.call("late", web.client).status_code == 200
        network.delay = 4.8
        # The node's heartbeats do not name the job, so the caller gives up.
        answer = notes.call("given up", web.client)
        assert "may have been executed" in answer.json()["errors"][0]["detail"]
        network.marker = b""
        wait_until(
            lambda: impatient.log_text("manager.log").count("came too late") > refusals, what="the node's refusal"
        )
        assert "given up" not in notes.begun()


def test_busy_worker_continues_seconds_after_its_broker_was_silent(network, impatient, publish):
    directory = impatient.state_dir / "held"
    directory.mkdir(mode=0o700)
    held = Held(impatient, publish, directory)
    with ThreadPoolExecutor(concurrency_limit()) as callers, impatient.redis_client() as redis:
        calls = [callers.submit(held.call) for _ in range(concurrency_limit())]
        wait_until(lambda: len(redis.keys(redis_keys.run("*"))) == concurrency_limit(), what="a busy node")
        network.is_silent = True
        held.go.touch()
        assert {each.result().status_code for each in calls} == {500}
    network.is_silent = False
    begun = time.monotonic()
    wait_until(lambda: held.call().status_code == 200, what="a trigger after the silence")
    assert time.monotonic() - begun < 5, "the node does not wait for its patience to end"


def test_redis_restored_from_a_snapshot_repeats_no_job_and_calls_none_never_started(
    breakable_stack, publish, tmp_path, monkeypatch
):
    directory = breakable_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    held = Held(breakable_stack, publish, directory)
    with breakable_stack.redis_client() as redis:
        snapshot = Path(redis.config_get("dir")["dir"]) / "dump.rdb"
    try:
        with held.busy() as callers, breakable_stack.redis_client() as redis:
            waiting = [callers.submit(held.call) for _ in range(3)]
            wait_until(lambda: len(redis.keys(redis_keys.ticket("*"))) == 3, what="jobs that wait")
            tickets = [key.decode().rpartition(":")[2] for key in redis.keys(redis_keys.ticket("*"))]
            redis.save()
        assert {each.result().status_code for each in waiting} == {200}
        breakable_stack.redis.kill()
        breakable_stack.redis.wait()
        breakable_stack.redis = breakable_stack.start_redis()
        with breakable_stack.redis_client() as redis:
            assert redis.exists(*map(redis_keys.ticket, tickets)) == 3, "no snapshot was loaded"
            monkeypatch.setattr(cancellation, "brief_client", lambda: redis)
            with pytest.raises(cancellation.UnansweredError) as refused:
                cancellation.cancel(tickets[0])
        assert refused.value.may_have_run
        wait_until(lambda: held.call().status_code == 200, what="a trigger after that")
        assert len(held.runs()) == len(set(held.runs())) == concurrency_limit() + 3 + 1
    finally:
        snapshot.unlink(missing_ok=True)
        with breakable_stack.redis_client() as redis:
            # Other tests count running jobs.
            redis.flushall()
