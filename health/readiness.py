"""Whether this process can serve: database, broker and a worker node are there, and the server is not stopping."""

import logging
import threading

import redis

from broker.client import brief_client
from broker.connections import HeldConnection, ask
from fleet import redis_keys
from health.database_look import DatabaseLook
from health.shared_look import SharedLook
from web import threads
from web.shutdown import shutdown

_log = logging.getLogger("udapi.console")


class Readiness:
    """The state that `/readyz` tells, looked at in two threads of this process, however many ask.

    At most half of the threads that are reserved for console and management API wait for the first look. Whoever asks
    meanwhile is told what is known.
    """

    def __init__(self) -> None:
        self._looks = SharedLook("the database", DatabaseLook()), SharedLook("Redis", broker_fault)
        self._places = threading.BoundedSemaphore(threads.reserve() // 2)
        self._last_told = ""

    def fault(self) -> str:
        """Why this process is not ready; empty if it is."""
        if shutdown.has_begun:
            return "the server stops"
        # Both at once, so that one second is the limit for both.
        for look in self._looks:
            look.begin()
        may_wait = self._places.acquire(blocking=False)
        try:
            faults = [fault for look in self._looks if (fault := look.fault(may_wait=may_wait))]
        finally:
            if may_wait:
                self._places.release()
        return self._logged("; ".join(faults))

    def _logged(self, fault: str) -> str:
        """Log `fault` if it was another one before: the answer names none."""
        # Two threads may both log a change, which does no harm.
        before, self._last_told = self._last_told, fault
        if fault and fault != before:
            _log.warning("not ready: %s", fault)
        elif before and not fault:
            _log.warning("ready again")
        return fault


def broker_fault() -> str:
    """Why no trigger can be queued; empty if a worker node takes them."""
    try:
        with HeldConnection(brief_client()) as connection:
            seconds, microseconds = ask(connection, "TIME")
            now = int(seconds) * 1_000 + int(microseconds) // 1_000
            takes_triggers = ask(connection, "ZCOUNT", redis_keys.nodes(), now, "+inf")
    except (redis.RedisError, OSError) as error:
        return "Redis does not answer: " + str(error).partition("\n")[0]
    return "" if takes_triggers else "no worker node takes triggers"
