"""The periodic tasks of the runs."""

import logging

import redis
from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.signals import worker_shutdown
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from fleet import overview
from runs import observation, retention, store
from runs.statistics import retention as statistics_retention
from runs.statistics import samples

_log = logging.getLogger("udapi.manager")


# Other tasks close their connection. To open it each second is half of what this one costs while nothing runs.
@shared_task(base=DjangoTask)
def store_runs() -> None:
    """Move the records of runs from Redis to the database; those that cannot be moved now are moved the next time."""
    try:
        if store.store_all() is not None:
            observation.observe()
    except (redis.RedisError, DatabaseError) as error:
        _log.warning("runs are not in the database yet: %s", str(error).partition("\n")[0])
        connections.close_all()


@shared_task
def prune_runs() -> None:
    retention.prune(settings.UDAPI_RUNS_KEEP_DAYS, settings.UDAPI_RUNS_KEEP_MAX)


@shared_task
def sample_fleet() -> None:
    """Note what the fleet does now. What cannot be noted stays unknown."""
    try:
        samples.note(overview.look(), timezone.now())
    except (redis.RedisError, DatabaseError) as error:
        _log.warning("what the fleet does is not noted: %s", str(error).partition("\n")[0])


@shared_task
def prune_statistics() -> None:
    statistics_retention.prune()


@worker_shutdown.connect
def _store_the_rest(**_: object) -> None:
    """An embedded Redis ends with the stack, and would take the remaining records with it."""
    store_runs()
