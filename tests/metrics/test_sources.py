"""A scrape never waits for long: what Redis or the database does not tell in time is left out, and said to be."""

import signal
import threading
import time
from datetime import timedelta

import redis
from django.utils import timezone
from prometheus_client.metrics_core import GaugeMetricFamily

from management import timed_source
from management.timed_source import TimedSource
from runs.models import RunsNotKept
from search.models import Intent, Mirror
from testbed.stack import wait_until
from tests.metrics.scrape import fetch, scrape, value

OF_REDIS = ("udapi_nodes", "udapi_queue_length", "udapi_run_buffer_bytes")


def test_hung_redis_is_left_out_until_it_answers_again(measured):
    measured.redis.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        found = scrape(measured.url)
        assert time.monotonic() - begun < 20
        assert value(found, "udapi_scrape_source_up", source="redis") == 0
        assert value(found, "udapi_scrape_source_up", source="database") == 1
        assert not [name for name, _ in found if name in OF_REDIS]
        assert ("udapi_runs_not_kept_total", frozenset()) in found
    finally:
        measured.redis.send_signal(signal.SIGCONT)
    wait_until(lambda: value(scrape(measured.url), "udapi_scrape_source_up", source="redis") == 1)
    wait_until(lambda: value(scrape(measured.url), "udapi_nodes") == 1)


def test_numbers_of_the_database(measured):
    now = timezone.now()
    for minute, (records, extras) in enumerate(((3, 1), (4, 0))):
        RunsNotKept.objects.create(minute=now - timedelta(minutes=minute), records=records, extras=extras)
    try:
        Mirror.change(is_on=True)
        Intent.objects.create(kind="tokens", object_id="1", noted_at=now - timedelta(seconds=90))
        found = scrape(measured.url)
    finally:
        Mirror.change(is_on=False)
        Intent.objects.all().delete()
    assert value(found, "udapi_runs_not_kept_total") == 7
    assert value(found, "udapi_run_extras_not_kept_total") == 1
    assert value(found, "udapi_mirror_backlog") == 1
    assert 90 <= value(found, "udapi_mirror_lag_seconds") < 3_600
    assert "udapi_mirror_backlog" not in fetch(measured.url).text


def test_silent_source_has_one_thread_and_a_later_scrape_its_result(monkeypatch):
    monkeypatch.setattr(timed_source, "PATIENCE_SECONDS", 0.1)
    goes_on, calls = threading.Event(), []

    def read():
        calls.append(threading.current_thread())
        goes_on.wait(60)
        return [GaugeMetricFamily("udapi_x", "x", value=1)]

    source = TimedSource("silent", read)
    assert [source.begin()() for _ in range(3)] == [None] * 3
    assert len(calls) == 1
    goes_on.set()
    calls[0].join(60)
    monkeypatch.setattr(timed_source, "PATIENCE_SECONDS", 60)
    assert source.begin()() is not None and len(calls) == 2


def test_source_that_fails_is_down_and_asked_again():
    answers = iter([redis.ConnectionError("gone"), [GaugeMetricFamily("udapi_x", "x", value=1)]])

    def read():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    source = TimedSource("failing", read)
    assert source.begin()() is None
    assert source.begin()() is not None


def test_source_that_gets_no_thread_is_down_for_one_scrape(monkeypatch):
    source = TimedSource("it", lambda: [GaugeMetricFamily("udapi_it", "It.", value=1)])
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        assert source.begin()() is None
    assert source.begin()() is not None


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
