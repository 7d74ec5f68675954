"""The periodic task that deletes expired sessions."""

import logging

from celery import shared_task
from django.core.management import call_command
from django.db import Error as DatabaseError

_log = logging.getLogger("udapi.manager")


# The name by which the release before knows it.
@shared_task(name="access.tasks.clear_sessions")
def clear_sessions() -> None:
    """Delete expired sessions, which Django keeps otherwise."""
    try:
        call_command("clearsessions")
    except DatabaseError as error:
        _log.warning("expired sessions stay in the database until tomorrow: %s", error)
