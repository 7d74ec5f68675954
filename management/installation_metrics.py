"""The metrics of the whole installation. Every web server tells all of them: use the largest, never the sum."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from automation.builds import Build, BuildState
from broker.client import client
from fleet import overview, redis_keys
from foundation.ids import milliseconds_of
from management.timed_source import TimedSource
from runs.models import RunsNotKept
from search.models import Intent, Mirror, SetAside

_WHOLE = "Of the whole installation, the same on every web server."


class InstallationCollector(Collector):
    """What Redis and the database know. A source that does not answer in time is left out."""

    def __init__(self) -> None:
        self._sources = (TimedSource("redis", _of_redis), TimedSource("database", _of_database))

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily(
            "udapi_scrape_source_up", "1 if the source has answered this scrape in time, else 0.", labels=("source",)
        )
        waits = [(source.name, source.begin()) for source in self._sources]
        found = {name: wait() for name, wait in waits}
        for name, metrics in found.items():
            up.add_metric((name,), metrics is not None)
            yield from metrics or ()
        yield up


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, f"{text} {_WHOLE}", value=value)


def _of_redis() -> Sequence[Metric]:
    fleet = overview.look()
    with client().pipeline(transaction=False) as asked:
        # Consumers take from the end.
        asked.lindex(redis_keys.queue(), -1)
        asked.hget(redis_keys.buffered(), "bytes")
        asked.xlen(redis_keys.records())
        oldest, held, records = asked.execute()
    return [
        _gauge("udapi_nodes", "Worker nodes that take triggers.", len(fleet.nodes)),
        _gauge("udapi_slots", "Triggers and subscripts that all nodes can run at once.", fleet.limit),
        _gauge("udapi_running", "Triggers and subscripts that run, by the last heartbeats.", fleet.running),
        _gauge("udapi_queue_length", "Triggers and subscripts that wait for a slot.", fleet.waiting),
        _gauge("udapi_queue_oldest_wait_seconds", "Age of the first one in the queue, 0 if none waits.", _age(oldest)),
        _gauge("udapi_run_buffer_bytes", "Size of the records of runs in Redis.", float(held or 0)),
        _gauge("udapi_run_buffer_records", "Records of runs in Redis that are not stored yet.", records),
    ]


def _age(message: bytes | None) -> float:
    """How long the job of a message has waited, in seconds."""
    try:
        job_id = UUID(json.loads(message or b"")["headers"]["id"])
    except (ValueError, KeyError, TypeError):
        return 0.0
    # The id of a probe does not begin with a time.
    return max(0.0, time.time() - milliseconds_of(job_id) / 1_000) if job_id.version == 7 else 0.0


def _of_database() -> Sequence[Metric]:
    return [*_not_kept(), _builds(), *_mirror()]


def _not_kept() -> Iterator[Metric]:
    lost = RunsNotKept.objects.aggregate(records=Sum("records"), extras=Sum("extras"))
    text = "Runs that could not be kept."
    yield CounterMetricFamily("udapi_runs_not_kept", f"{text} {_WHOLE}", value=lost["records"] or 0)
    text = "Logs and bodies of runs that could not be kept."
    yield CounterMetricFamily("udapi_run_extras_not_kept", f"{text} {_WHOLE}", value=lost["extras"] or 0)


def _builds() -> Metric:
    counts = dict(Build.objects.order_by().values_list("state").annotate(Count("pk")))
    builds = GaugeMetricFamily("udapi_builds", f"Builds of packages by state. {_WHOLE}", labels=("state",))
    for state in BuildState.values:
        builds.add_metric((state,), counts.get(state, 0))
    return builds


def _mirror() -> Iterator[Metric]:
    """Nothing where there is no mirror."""
    state = Mirror.objects.first()
    if not settings.ELASTICSEARCH_URL and not (state and state.is_on):
        return
    backlog = Intent.objects.aggregate(count=Count("pk"), since=Min("noted_at"))
    lag = (timezone.now() - backlog["since"]).total_seconds() if backlog["since"] else 0.0
    yield _gauge("udapi_mirror_backlog", "Changes that wait for the mirror.", backlog["count"])
    yield _gauge("udapi_mirror_lag_seconds", "Age of the oldest of these changes, 0 without one.", max(0.0, lag))
    yield _gauge("udapi_mirror_refused", "Documents that Elasticsearch has refused.", SetAside.objects.count())
    yield _gauge("udapi_mirror_up", "1 unless the mirror's last request has failed.", not (state and state.failure))
