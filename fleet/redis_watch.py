"""Logs the dangers of the Redis that a worker node uses."""

import logging
from typing import Any

import redis
from celery import bootsteps

from broker import server
from broker.client import server_client

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "note": logging.INFO}

_log = logging.getLogger("udapi.manager")


class RedisWatch(bootsteps.StartStopStep):
    """Checks Redis whenever Celery's consumer has connected, and logs changed dangers; a bootstep of the consumer."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._known: list[server.Danger] = []

    def start(self, parent: Any) -> None:
        """Check Redis now. If it fails, the worker continues, and checks when it has connected again."""
        try:
            found = server.dangers(server.look(server_client()))
        except redis.RedisError as error:
            _log.warning("Redis could not be checked: %s", error)
            return
        if found != self._known:
            self._tell(found)
        self._known = found

    def _tell(self, found: list[server.Danger]) -> None:
        for danger in found:
            _log.log(_LEVELS[danger.kind], "%s %s", danger.id, danger.text)
        if not found:
            _log.info("Redis meets all requirements")
