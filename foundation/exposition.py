"""What Prometheus reads: the numbers of `foundation.metrics` and those of collectors, as text."""

import hmac
import math
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from foundation import __version__
from foundation.metrics import FAMILIES, CountedFamily, Labels, meters

PATH = "/metrics"

Counted = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class CountedCollector(Collector):
    """What the processes have counted that share the regions of this one."""

    def collect(self) -> Iterable[Metric]:
        families = {name: _empty(family) for name, family in FAMILIES.items()}
        for (name, labels), numbers in meters.totals().items():
            _fill(families[name], FAMILIES[name], labels, numbers)
        return (family for family in families.values() if family.samples)


class VersionCollector(Collector):
    """The version of the product."""

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("udapi_build", "The version of the product.", {"version": __version__})


def _empty(family: CountedFamily) -> Counted:
    if family.bounds:
        return HistogramMetricFamily(family.name, family.help, labels=family.labels)
    kind = GaugeMetricFamily if family.can_fall else CounterMetricFamily
    return kind(family.name, family.help, labels=family.labels)


def _fill(metric: Counted, family: CountedFamily, labels: Labels, numbers: Sequence[float]) -> None:
    if isinstance(metric, HistogramMetricFamily):
        total, *counts = numbers
        metric.add_metric(labels, _cumulated(family.bounds, counts), total)
    else:
        metric.add_metric(labels, numbers[0])


def _cumulated(bounds: Sequence[float], counts: Sequence[float]) -> list[tuple[str, float]]:
    """How many values each bucket and those below it hold."""
    below, buckets = 0.0, []
    for bound, count in zip((*bounds, math.inf), counts, strict=True):
        below += count
        buckets.append(("+Inf" if bound == math.inf else str(bound), below))
    return buckets


def is_authorized(header: str, token: str) -> bool:
    """Whether the `Authorization` header carries the token; takes as long whatever it carries instead."""
    scheme, _, sent = header.partition(" ")
    is_equal = hmac.compare_digest(sent.strip().encode(errors="replace"), token.encode())
    return is_equal and scheme.lower() == "bearer"


class MetricsPage:
    """The answer to a scrape, in the format that its `Accept` header asks for."""

    def __init__(self, *collectors: Collector) -> None:
        self._registry = CollectorRegistry()
        for collector in (VersionCollector(), CountedCollector(), *collectors):
            self._registry.register(collector)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type."""
        if any(map(_is_openmetrics, accept.split(","))):
            # The library has no types for this one.
            text: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return text, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4


def _is_openmetrics(accepted: str) -> bool:
    """Whether a client accepts version 1.0.0. The library's own choice fails at some headers."""
    name, *parameters = (part.strip() for part in accepted.split(";"))
    versions = {part.removeprefix("version=") for part in parameters if part.startswith("version=")}
    return name == "application/openmetrics-text" and versions <= {"1.0.0"}
