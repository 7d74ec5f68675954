"""The processes of a web server count together, whichever of them a scrape reaches, and whatever ends."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from testbed.stack import wait_until
from tests.fleet.conftest import Held
from tests.metrics.scrape import node_url, scrape, value


def _empty_routes(url: str) -> float:
    return value(scrape(url), "udapi_requests_total", reason="EmptyRoute")


def _call(web, times: int) -> None:
    """From connections of their own, so that every process gets some."""
    for _ in range(times):
        web.client.get("/api/custom", headers={"Connection": "close"})


def _have_replaced(web, old: set[int]) -> bool:
    workers = {process.pid for process in web.workers()}
    return len(workers) == 2 and not workers & old and web._answers()


def test_counters_outlive_killed_processes_and_a_reload_but_not_the_server(measured):
    with measured.another_web() as web:
        _call(web, 20)
        reached = _empty_routes(web.url)
        assert reached >= 20
        assert {_empty_routes(web.url) for _ in range(6)} == {reached}, "every process tells the same"
        for number in (signal.SIGKILL, signal.SIGHUP):
            old = {process.pid for process in web.workers()}
            for process in web.workers() if number == signal.SIGKILL else (web.process,):
                process.send_signal(number)
            wait_until(lambda old=old: _have_replaced(web, old), what="new processes")
            assert _empty_routes(web.url) > reached
            reached = _empty_routes(web.url)
            _call(web, 5)
            assert _empty_routes(web.url) == reached + 5
            reached += 5
        assert value(scrape(web.url), "udapi_web_workers") == 2
    with measured.another_web() as web:
        assert _empty_routes(web.url) < 20


@pytest.fixture
def held_here(measured, publish_here, tmp_path):
    directory = measured.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    yield Held(measured, publish_here, directory)
    shutil.rmtree(directory)


def test_gauges_of_queue_node_and_waiting_slots_follow_and_a_killed_process_frees_its_slots(measured, held_here):
    with measured.another_web(UDAPI_WEB_WORKERS="1") as web, ThreadPoolExecutor(6) as callers:
        slots = int(value(scrape(node_url(measured)), "udapi_node_slots"))
        calls = [callers.submit(_called, held_here, web) for _ in range(slots + 2)]
        try:
            wait_until(lambda: value(scrape(web.url), "udapi_queue_length") == 2, what="a queue")
            found, of_node = scrape(web.url), scrape(node_url(measured))
            assert value(found, "udapi_web_waiting_slots_used") == slots + 2
            assert value(found, "udapi_web_waiting_slots") == 224
            assert value(found, "udapi_queue_oldest_wait_seconds") > 0
            assert value(of_node, "udapi_node_running") == slots == value(found, "udapi_slots")
            web.workers()[0].kill()
            wait_until(lambda: _used(web) == 0, what="free slots")
        finally:
            held_here.go.touch()
    assert [call.result() for call in calls] == [None] * (slots + 2)
    wait_until(lambda: value(scrape(node_url(measured)), "udapi_node_running") == 0)


def _called(held: Held, web):
    try:
        return held.api.call(web.client).status_code
    except httpx.TransportError:
        return None


def _used(web) -> float | None:
    try:
        return value(scrape(web.url), "udapi_web_waiting_slots_used")
    except httpx.TransportError:
        return None
