"""Keeping the mirror: bringing changes within a second, and looking now and then whether all is as it should be."""

import logging
import random
import threading
import time
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from search import indices, lease, switch
from search.connection import IndexFaultError, MirrorError
from search.draining import drain
from search.kinds import ALL, Kind
from search.mending import BusyError, abandon, rebuild, repair
from search.models import FAILURE_LENGTH, Copy, Mirror
from search.writing import PAGE

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 15.0
SHORTEST_PAUSE_SECONDS = 0.5
SMALLEST_PAGE = 10

_log = logging.getLogger(__name__)


class Follower:
    """The process that keeps the mirror; others like it wait until it is gone."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._failures = 0
        self._page = PAGE
        self._held_at = 0.0
        self._told_at = 0.0

    def end(self) -> None:
        """Come to an end soon."""
        self._ending.set()

    def run(self) -> None:
        """Go on until `end` is called."""
        while not self._ending.is_set():
            try:
                pause = self._step()
            except DatabaseError as error:
                _log.warning("The database does not answer: %s", str(error).partition("\n")[0])
                close_old_connections()
                pause = self._longer()
            self._ending.wait(pause)
        lease.release()
        connection.close()

    def _step(self) -> float:
        """Do what is due; how long to wait afterwards."""
        close_old_connections()
        if not self._keeps():
            return HEARTBEAT_SECONDS
        try:
            self._prepare()
            done = drain(self._page)
            self._check()
        except IndexFaultError as error:
            return self._failed(error, repairing=True)
        except (MirrorError, BusyError) as error:
            return self._failed(error)
        self._reached()
        return 0.0 if done >= self._page else POLL_SECONDS

    def _keeps(self) -> bool:
        if time.monotonic() - self._held_at < HEARTBEAT_SECONDS:
            return True
        if not lease.hold():
            self._told_at = 0.0
            return False
        self._held_at = time.monotonic()
        switch.turn_on()
        return True

    def _prepare(self) -> None:
        """When this process begins to keep the mirror: indices that are missing are filled."""
        if self._told_at:
            return
        for kind in ALL.values():
            abandon(kind)
            if indices.fault(kind) in indices.NOT_OURS:
                self._fill(kind)

    def _fill(self, kind: Kind) -> None:
        _log.info("Filling %s", kind.alias)
        count = rebuild(kind, between=self._between)
        _log.info("Filled %s with %d documents", kind.alias, count)

    def _between(self) -> None:
        """While an index is filled, changes go on to the one that is searched, if there is one."""
        self._keeps()
        with suppress(MirrorError):
            drain(self._page)

    def _check(self) -> None:
        for kind in ALL.values():
            checked_at = Copy.get(kind.name).checked_at
            age = (timezone.now() - checked_at).total_seconds() if checked_at else float("inf")
            if age > settings.ELASTICSEARCH_CHECK_MINUTES * 60:
                self._repair(kind)

    def _repair(self, kind: Kind) -> None:
        abandon(kind)
        findings = repair(kind, retry=False)
        if findings:
            _log.warning("Repaired %s: %d documents %s", kind.alias, len(findings.ids), findings.fault)

    def _failed(self, error: Exception, *, repairing: bool = False) -> float:
        """Tell it, and wait ever longer, each process another time."""
        if not self._failures:
            _log.warning("The mirror waits: %s", error)
        Mirror.change(failed_at=timezone.now(), failure=str(error)[:FAILURE_LENGTH])
        self._page = max(SMALLEST_PAGE, self._page // 2)
        if repairing:
            try:
                for kind in ALL.values():
                    self._repair(kind)
            except (MirrorError, BusyError) as further:
                _log.warning("The mirror cannot be repaired: %s", further)
        return self._longer()

    def _longer(self) -> float:
        self._failures += 1
        most = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2**self._failures)
        return random.uniform(most / 2, most)  # noqa: S311  no secret depends on it

    def _reached(self) -> None:
        if self._failures:
            _log.info("The mirror goes on")
        self._failures = 0
        self._page = min(PAGE, self._page * 2)
        if time.monotonic() - self._told_at > HEARTBEAT_SECONDS or not self._told_at:
            self._told_at = time.monotonic()
            Mirror.change(reached_at=timezone.now(), failure="")
