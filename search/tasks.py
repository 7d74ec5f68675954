"""The mirror's periodic tasks. Only processes with `ELASTICSEARCH_URL` import them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from celery import shared_task
from django.db import DatabaseError

from search import outbox, repair

_log = logging.getLogger("udapi.manager")


@contextmanager
def _outages_logged() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        _log.warning("the mirror waits, the database does not answer: %s", str(error).partition("\n")[0])


@shared_task
@_outages_logged()
def bring_changes() -> None:
    outbox.bring_changes()


@shared_task
@_outages_logged()
def repair_when_due() -> None:
    repair.repair_when_due()
