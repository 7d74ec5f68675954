"""Which APIs miss their objectives: read from the counters at most once a minute."""

from datetime import timedelta

import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from broker.client import brief_client
from definitions.changes import save_definition
from runs.statistics import missed_objectives
from tests.runs.statistics.stored import store_calls


def routes() -> list[str]:
    return [each.route for each in missed_objectives.missed(timezone.now())]


def test_what_is_missed_is_read_once_a_minute_and_anew_for_changed_objectives(stack, publish, no_runs):
    api = publish(route="missed/objectives").definition
    assert routes() == []
    api.objective_success_rate = 90.0
    save_definition(api, "somebody", [])
    store_calls(api, timedelta(minutes=5), succeeded=1, failed=1)
    assert routes() == [api.route]
    with CaptureQueriesContext(connection) as captured:
        assert routes() == [api.route]
    assert len(captured) == 1, "the APIs with objectives"
    api.objective_success_rate = 50.0
    save_definition(api, "somebody", [])
    assert routes() == []


def test_without_redis_the_counters_tell(publish, no_runs, monkeypatch):
    def unreachable(*_: object) -> None:
        raise redis.ConnectionError

    api = publish(route="missed/objectives").definition
    api.objective_success_rate = 90.0
    save_definition(api, "somebody", [])
    store_calls(api, timedelta(minutes=5), failed=1)
    monkeypatch.setattr(brief_client(), "get", unreachable)
    assert routes() == [api.route]
