"""What the scheduler sends, and what it remembers after a restart."""

from datetime import timedelta

import pytest
from celery import Celery
from django.db import OperationalError
from django.utils import timezone

from broker.installation import prefix
from fleet import schedule
from fleet.models import PeriodicTask
from fleet.schedule import LeasedScheduler
from udapi_site.celery import app as product

QUEUE = "test-periodic"
LEASE = f"{prefix()}lease:scheduler"


@pytest.fixture
def redis(stack):
    with stack.redis_client() as client:
        client.delete(QUEUE, LEASE)
        yield client
        client.delete(QUEUE, LEASE)
    PeriodicTask.objects.all().delete()


@pytest.fixture
def start(redis):
    """Makes schedulers with one daily entry, whose messages no worker takes."""
    made = []

    def start(broker: str = product.conf.broker_url) -> LeasedScheduler:
        options = {"max_retries": 0}
        app = Celery("test", broker=broker, set_as_current=False, broker_transport_options=options)
        entry = {"task": "daily", "schedule": timedelta(days=1), "options": {"queue": QUEUE}}
        app.conf.update(beat_schedule={"daily": entry}, result_expires=None)
        made.append(LeasedScheduler(app))
        return made[-1]

    yield start
    for scheduler in made:
        scheduler.close()
        scheduler.app.close()


def test_an_entry_that_was_never_sent_is_sent_at_once_and_then_once_a_day(start, redis):
    scheduler = start()
    for _ in range(3):
        scheduler.tick()
    assert redis.llen(QUEUE) == 1


def test_a_restart_neither_repeats_a_daily_task_nor_forgets_it(start, redis):
    first = start()
    first.tick()
    first.close()
    second = start()
    second.tick()
    second.close()
    assert redis.llen(QUEUE) == 1
    PeriodicTask.objects.update(last_sent=timezone.now() - timedelta(hours=25))
    start().tick()
    assert redis.llen(QUEUE) == 2


def test_a_clock_that_was_fast_for_a_while_does_not_silence_an_entry(start):
    PeriodicTask.objects.create(name="daily", last_sent=timezone.now() + timedelta(days=300))
    scheduler = start()
    scheduler.tick()
    assert scheduler.schedule["daily"].last_run_at <= timezone.now()


def test_only_the_holder_of_the_lease_sends_and_knows_what_its_predecessor_sent(start, redis):
    holder, other = start(), start()
    for _ in range(2):
        holder.tick()
        other.tick()
    assert redis.llen(QUEUE) == 1
    holder.close()
    for _ in range(2):
        other.tick()
    assert redis.get(LEASE)
    assert redis.llen(QUEUE) == 1


def test_an_entry_that_could_not_be_sent_is_still_due(start, redis):
    unlucky = start("redis://127.0.0.1:1")
    assert unlucky.tick() == schedule.PAUSE_SECONDS
    assert not redis.exists(LEASE), "another program may do better"
    start().tick()
    assert redis.llen(QUEUE) == 1


def test_without_the_database_the_lease_is_given_up(start, redis, monkeypatch):
    def fail():
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(schedule, "_last_sent", fail)
        assert start().tick() == schedule.PAUSE_SECONDS
    assert not redis.exists(LEASE)
    assert not redis.exists(QUEUE)


def test_while_the_database_cannot_be_written_an_entry_is_sent_once(start, redis, monkeypatch):
    def fail(**_):
        raise OperationalError

    scheduler = start()
    with monkeypatch.context() as broken:
        broken.setattr(PeriodicTask.objects, "update_or_create", fail)
        for _ in range(5):
            scheduler.tick()
    assert redis.llen(QUEUE) == 1


def test_a_scheduler_that_ends_hands_over_at_once(start, redis):
    scheduler = start()
    scheduler.tick()
    assert redis.exists(LEASE)
    scheduler.close()
    assert not redis.exists(LEASE)
