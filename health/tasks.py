"""The periodic task that looks at the installation from outside."""

import logging

import redis
from celery import shared_task

from health import probe_result

_log = logging.getLogger("udapi.manager")


@shared_task
def probe_public_url() -> None:
    """Find out whether the public URL reaches this installation."""
    try:
        probe_result.probe()
    except redis.RedisError as error:
        _log.warning("the public URL was not checked: %s", str(error).partition("\n")[0])
