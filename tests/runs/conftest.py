"""What tests of runs share."""

import pytest
import redis

from broker.client import client
from fleet import current_runs, redis_keys
from fleet.records import RunRecord
from runs import store
from runs.models import (
    FailingApi,
    FleetSample,
    NodeSample,
    RecordSource,
    Run,
    RunBodies,
    RunCounter,
    RunLog,
    RunsNotKept,
    Series,
)
from testbed.stack import wait_until


@pytest.fixture
def stored(stack):
    """Stores what the stack's processes have recorded, and returns the run of an id once it is there."""

    def find(run_id, condition=lambda run: True):
        found: list[Run] = []

        def is_there():
            try:
                store.store_all()
            except redis.RedisError:
                return False
            found[:] = [run for run in Run.objects.filter(pk=run_id) if condition(run)]
            return bool(found)

        wait_until(is_there, what=f"no such run {run_id}")
        return found[0]

    return find


@pytest.fixture
def no_runs(stack):
    """Nothing is in the buffer, and nothing of runs in the database, before the test and after it."""

    def clear():
        client().delete(*redis_keys.to_record())
        kept = (Run, RunLog, RunBodies, RecordSource, RunsNotKept, FailingApi, RunCounter, Series)
        for model in (*kept, FleetSample, NodeSample):
            model._base_manager.all()._raw_delete("default")

    clear()
    yield stack
    clear()


def shown_running(**columns):
    """The record of the run that goes on now and has these values, once Redis shows it."""
    found: list[RunRecord] = []

    def is_shown():
        # What has just ended is shown for a moment, too, so that a test must say which run it means.
        found[:] = [
            record
            for record in current_runs.look().running
            if all(getattr(record, name) == str(value) for name, value in columns.items())
        ]
        return bool(found)

    wait_until(is_shown, what=f"a running script with {columns}")
    return found[0]
