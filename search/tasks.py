"""The periodic tasks of the mirror; loaded only where there is one."""

import logging

from celery import shared_task
from django.db import DatabaseError

from search import upkeep

_log = logging.getLogger("udapi.manager")


@shared_task
def bring_changes() -> None:
    """Bring to the mirror what has changed."""
    try:
        upkeep.bring_changes()
    except DatabaseError as error:
        _tell(error)


@shared_task
def repair_when_due() -> None:
    """Compare mirror and database when that is due, and repair the mirror."""
    try:
        upkeep.repair_when_due()
    except DatabaseError as error:
        _tell(error)


def _tell(error: DatabaseError) -> None:
    _log.warning("the mirror waits, the database does not answer: %s", str(error).partition("\n")[0])
