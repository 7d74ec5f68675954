"""The metrics of the web server as a whole: its master, and the processes that this has forked."""

import os
from collections.abc import Iterable, Iterator

import psutil
from django.conf import settings
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from web import threads


class WebCollector(Collector):
    """Asked in any process of the web server, it tells the same."""

    def collect(self) -> Iterable[Metric]:
        family = [process for process in _family() if process.is_running()]
        workers = max(1, len(family) - 1)
        slots = threads.for_triggers() * settings.UDAPI_WEB_WORKERS
        yield GaugeMetricFamily("udapi_web_workers", "Processes of this web server that answer.", value=workers)
        yield GaugeMetricFamily("udapi_web_waiting_slots", "Triggers that may wait in this web server.", value=slots)
        yield from _usage(family)


def _family() -> Iterator[psutil.Process]:
    """The master first."""
    try:
        master = psutil.Process(os.getppid())
        yield master
        yield from master.children()
    except psutil.Error:
        return


def _usage(family: Iterable[psutil.Process]) -> Iterator[Metric]:
    seconds, memory, begun = 0.0, 0, 0.0
    for process in family:
        try:
            times, size, since = process.cpu_times(), process.memory_info().rss, process.create_time()
        except psutil.Error:
            continue
        # The master's children that have ended count through it, so that the sum never falls.
        is_master = not begun
        seconds += times.user + times.system + (times.children_user + times.children_system if is_master else 0.0)
        memory, begun = memory + size, begun or since
    yield CounterMetricFamily("process_cpu_seconds", "Processor time of all processes of this server.", value=seconds)
    yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of all of them.", value=memory)
    yield GaugeMetricFamily("process_start_time_seconds", "When the server has started, since 1970.", value=begun)
