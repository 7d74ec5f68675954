"""The scheduler of periodic tasks: Celery's beat, as a thread of every background program; one of them acts at a time.

The entries are in `udapi_site/timetable.py`.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from celery import bootsteps
from celery.beat import EmbeddedService, ScheduleEntry, Scheduler, SchedulingError
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from broker.lease import Lease
from fleet.models import PeriodicTask

LEASE = "scheduler"
LEASE_SECONDS = 10
PAUSE_SECONDS = 1.0
SUPERVISION_SECONDS = 5.0
REMEMBERED_FROM_SECONDS = 60.0
"""The last run of an entry that is due more often is not stored: after a restart it is sent at once."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_log = logging.getLogger("udapi.manager")


class LeasedScheduler(Scheduler):
    """Celery's scheduler, but it acts only while it holds the fleet's lease, and stores its last runs in the database.

    After any error it gives up the lease. The next holder, perhaps this scheduler itself, reads the last runs from the
    database, so an entry that could not be sent is still due.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lease = Lease(LEASE, LEASE_SECONDS)
        self._acts = False
        # What was sent is remembered here, too: if the database fails, it must not be sent again with every tick.
        self._sent: dict[str, datetime] = {}
        super().__init__(*args, **kwargs)

    @property
    def producer(self) -> Any:
        """None, so that Celery's pool sends. Beat's own connection retries for ever, even after the lease has ended."""
        return None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send an entry that is due; returns the seconds until the next tick."""
        try:
            return float(super().tick(*args, **kwargs)) if self._may_act() else PAUSE_SECONDS
        except (SchedulingError, DatabaseError) as error:
            _log.warning("periodic tasks wait: %s", error)
            self._give_up()
            return PAUSE_SECONDS

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send the task of `entry`.

        Raises:
            SchedulingError, django.db.Error
        """
        self.apply_async(entry, producer=producer, advance=False)
        self._sent[str(entry.name)] = timezone.now()
        _remember(self.schedule[str(entry.name)])

    def close(self) -> None:
        """End, and let another node take over at once."""
        self._give_up()
        super().close()

    def _may_act(self) -> bool:
        held = self._lease.hold()
        if held and not self._acts:
            self._recall()
        self._acts = held
        return held

    def _give_up(self) -> None:
        self._acts = False
        self._lease.release()

    def _recall(self) -> None:
        """Load the last runs, whichever node sent them. An entry that was never sent is due."""
        sent, now = _last_sent(), timezone.now()
        for name, entry in self.schedule.items():
            # A time in the future, from a clock that was fast, must not silence an entry.
            entry.last_run_at = min(now, max(sent.get(name, _NEVER), self._sent.get(name, _NEVER)))
        # Makes Celery sort the entries again.
        self.old_schedulers = None


def _last_sent() -> Mapping[str, datetime]:
    try:
        return dict(PeriodicTask.objects.values_list("name", "last_sent"))
    finally:
        close_old_connections()


def _remember(entry: ScheduleEntry) -> None:
    """Store that `entry` has just been sent, unless it is due again soon."""
    _, seconds_left = entry.is_due()
    if seconds_left < REMEMBERED_FROM_SECONDS:
        return
    try:
        PeriodicTask.objects.update_or_create(name=entry.name, defaults={"last_sent": timezone.now()})
    finally:
        close_old_connections()


class Scheduling(bootsteps.StartStopStep):
    """The scheduler's thread in a worker that consumes the background queue; a bootstep (see Celery's guide)."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self._beat: Any = None
        self._supervision: Any = None

    def include_if(self, worker: Any) -> bool:
        """Whether `worker` is a background program."""
        return worker.app.conf.task_default_queue in worker.app.amqp.queues.consume_from

    def start(self, worker: Any) -> None:
        """Start the scheduler, and start it again whenever its thread has ended."""
        self._begin(worker)
        self._supervision = worker.timer.call_repeatedly(SUPERVISION_SECONDS, self._supervise, (worker,))

    def stop(self, worker: Any) -> None:
        """End the scheduler before its next tick."""
        if self._supervision is not None:
            self._supervision.cancel()
            self._beat.stop()

    def _begin(self, worker: Any) -> None:
        self._beat = EmbeddedService(worker.app, thread=True, scheduler_cls=LeasedScheduler)
        self._beat.start()

    def _supervise(self, worker: Any) -> None:
        if not self._beat.is_alive():
            _log.error("the scheduler's thread has ended: see background.log; it is started again")
            self._begin(worker)
