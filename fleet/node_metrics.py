"""`/metrics` of a worker node, on `UDAPI_METRICS_PORT`. Loaded only where that is set."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from celery import bootsteps
from django.conf import settings
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from fleet.node import Node
from fleet.pool import concurrency_limit
from foundation.exposition import MetricsPage
from foundation.metrics import meters
from foundation.metrics_server import MetricsServer

RETRY_SECONDS = 5.0

_log = logging.getLogger("udapi.manager")


class NodeCollector(Collector):
    """What goes on in a node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterable[Metric]:
        return (GaugeMetricFamily(name, text, value=value) for name, text, value in self._values())

    def _values(self) -> Iterator[tuple[str, str, float]]:
        node = self._node
        yield "udapi_node_slots", "Triggers and subscripts that this node runs at once.", concurrency_limit()
        yield "udapi_node_running", "Triggers and subscripts that this node runs now.", node.heartbeat.running_jobs
        yield "udapi_node_taking", "1 if this node takes triggers, else 0.", node.is_consuming
        yield "udapi_node_warm_hosts", "Script hosts that wait for a run.", len(node.hosts.warm.resting())
        waits = "Bytes of records of runs that wait in this node until Redis has them."
        yield "udapi_node_records_waiting_bytes", waits, node.runner.buffer.waiting_bytes


class NodeMetrics(bootsteps.StartStopStep):
    """Serves the metrics of a node until its program ends. While it cannot, the node goes on without."""

    requires = (Node,)

    def __init__(self, worker: Any, **options: Any) -> None:
        # Before the node runs anything.
        meters.reserve()
        meters.begin()

    def start(self, worker: Any) -> None:
        """Begin to listen."""
        node = next(step for step in worker.steps if isinstance(step, Node))
        serve(MetricsPage(NodeCollector(node), ProcessCollector(registry=None)))


def serve(page: MetricsPage) -> None:
    """Begin to listen; later, if the port is taken: a node that ends keeps it until its last run is over."""
    address, port = settings.UDAPI_METRICS_ADDRESS, settings.UDAPI_METRICS_PORT
    try:
        _listen(page)
    except OSError as error:
        _log.error("no metrics: nothing can listen on %s port %s (%s)", address, port, error.strerror or error)
        threading.Thread(target=_listen_later, args=(page,), name="metrics-port", daemon=True).start()


def _listen(page: MetricsPage) -> None:
    address, port = settings.UDAPI_METRICS_ADDRESS, settings.UDAPI_METRICS_PORT
    MetricsServer(address, port, settings.UDAPI_METRICS_TOKEN, page).start()
    _log.info("metrics are on %s port %s", address, port)


def _listen_later(page: MetricsPage) -> None:
    is_listening = False
    while not is_listening:
        time.sleep(RETRY_SECONDS)
        with suppress(OSError):
            _listen(page)
            is_listening = True
