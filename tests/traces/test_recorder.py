"""A collector that fails costs spans, which are counted, and nothing else."""

import logging
import secrets
import subprocess
import sys
import threading
import time

import pytest
from django.conf import settings as own

from foundation.span_recorder import MOST_WAITING, STOP_SECONDS, LostSpans, OtlpRecorder
from foundation.traceparent import NO_TRACE, received
from foundation.tracer import NO_SPAN, SAMPLERS, Tracer, TraceSettings, TraceSpan
from testbed.collector import Collector
from testbed.stack import ROOT, free_port, wait_until
from tests.traces.scripts import PARENT, TRACE, traceparent

SECRET = "made-up-secret-of-a-collector"


@pytest.fixture
def own_collector():
    with Collector() as collector:
        yield collector


def settings(endpoint, sampler="parentbased_always_on", ratio=1.0):
    return TraceSettings(endpoint, {"x-key": SECRET}, sampler, ratio, is_disabled=False)


@pytest.fixture
def record():
    """`record(endpoint, …)` returns what records spans for a collector there."""
    made = []

    def make(*given):
        made.append(OtlpRecorder(settings(*given)))
        return made[-1]

    yield make
    for recorder in made:
        recorder.stop()


def test_losses_are_counted_and_logged_once_a_minute(caplog):
    now = 0.0
    lost = LostSpans(lambda: now)
    for moment in (1.0, 30.0, 60.0, 61.0, 62.0, 200.0):
        now = moment
        lost.add(10)
    texts = [record.message for record in caplog.records]
    assert (lost.total, [text.split()[0] for text in texts]) == (60, ["10", "30", "20"])


def test_collector_that_hangs_fills_a_bounded_queue_and_is_not_waited_for(record, own_collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    recorder, threads = record(own_collector.url), threading.active_count()
    own_collector.hang()
    begun = time.monotonic()
    for _ in range(2 * MOST_WAITING):
        recorder.begin("run", NO_TRACE, None).end()
    assert time.monotonic() - begun < 8, "a hanging collector is waited for ten seconds"
    # Besides those that wait, one batch is on its way.
    assert MOST_WAITING / 2 <= recorder.lost.total <= MOST_WAITING
    wait_until(lambda: own_collector.received, what="a batch")
    assert threading.active_count() <= threads + 2, "one for the collector's connection"
    begun = time.monotonic()
    recorder.stop()
    assert time.monotonic() - begun < STOP_SECONDS + 3


def test_collector_that_is_away_or_refuses_costs_the_spans_and_the_log_holds_no_secret(
    record, own_collector, monkeypatch, caplog
):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"not a header {SECRET}")
    caplog.set_level(logging.DEBUG)
    own_collector.status = 500
    for endpoint in (own_collector.url, f"http://127.0.0.1:{free_port()}"):
        recorder = record(endpoint)
        recorder.begin("run", NO_TRACE, None).end()
        wait_until(lambda recorder=recorder: recorder.lost.total == 1, what="a lost span")
    told = [entry.message for entry in caplog.records if entry.name == "udapi.traces"]
    assert told == ["1 span(s) were not exported: the collector of traces does not take them"] * 2
    assert SECRET not in caplog.text


def test_span_that_has_ended_takes_nothing_more(record, own_collector):
    recorder = record(own_collector.url)
    with recorder.begin("run", received(traceparent()), {"udapi.node": 1}) as span:
        span.end()
        span.note({"late": True})
        span.fail("late")
    recorder.stop()
    (span,) = own_collector.trace(TRACE, 1)
    assert (span.parent_id, span.has_failed, span.attributes) == (PARENT, False, {"udapi.node": 1})


def test_step_that_raises_has_failed(record, own_collector):
    recorder = record(own_collector.url)
    with pytest.raises(LookupError), recorder.begin("run", received(traceparent()), None):
        raise LookupError(SECRET)
    recorder.stop()
    (span,) = own_collector.trace(TRACE, 1)
    assert (span.has_failed, span.attributes) == (True, {"error.type": "LookupError"})


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_parent_decides_and_every_sampler_is_known(record, own_collector, sampler):
    recorder = record(own_collector.url, sampler, 0.0)
    begins = recorder.begin("a", NO_TRACE, None).is_recorded
    follows = [recorder.begin("a", received(traceparent(flags=flags)), None).is_recorded for flags in ("01", "00")]
    always = sampler.endswith("always_on")
    assert begins == always
    assert follows == ([True, False] if sampler.startswith("parentbased") else [always, always])


def test_one_percent_of_the_traces_is_recorded(record, own_collector):
    recorder = record(own_collector.url, "parentbased_traceidratio", 0.01)
    spans = [recorder.begin("a", NO_TRACE, None) for _ in range(5_000)]
    assert 10 < sum(span.is_recorded for span in spans) < 150
    assert all(span.context.is_sampled == span.is_recorded for span in spans)


def test_random_flag_of_the_caller_is_handed_on(record, own_collector):
    recorder = record(own_collector.url)
    flags = [recorder.begin("a", received(traceparent(flags=each)), None).context.flags for each in ("02", "03", "01")]
    assert flags == [2, 3, 1]


def test_without_a_collector_a_place_is_only_handed_on():
    off, place = Tracer(), received(traceparent(secrets.token_hex(16)), "foo=1")
    off.start(settings(""))
    off.start(TraceSettings("http://localhost", {}, "always_on", 1.0, is_disabled=True))
    assert off.entry("request", NO_TRACE) is NO_SPAN is off.part("run", NO_TRACE)
    span = off.entry("request", place)
    assert (type(span), span.context, span.part("admission"), span.is_recorded) == (TraceSpan, place, span, False)
    off.stop()


def test_exporter_is_not_loaded_without_a_collector():
    """redis-py loads parts of OpenTelemetry itself where it is installed."""
    source = """
import sys, django
django.setup()
import web.gunicorn_conf, endpoint.views, fleet.node
from django.conf import settings
from foundation.tracer import tracer
tracer.load(settings.UDAPI_TRACES)
tracer.start(settings.UDAPI_TRACES)
unwanted = "opentelemetry.exporter", "opentelemetry.sdk.trace", "google", "foundation.span_recorder"
print([name for name in sys.modules if name.startswith(unwanted)])
"""
    environment = {"DJANGO_SETTINGS_MODULE": "udapi_site.settings", "UDAPI_DATA_DIR": str(own.DATA_DIR.root)}
    ended = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
