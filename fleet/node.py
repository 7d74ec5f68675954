"""A worker node: starts and ends with the program that runs triggers."""

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from celery import bootsteps
from django.conf import settings
from django.db import Error as DatabaseError

from fleet import celery_message, confinement, package_options
from fleet.builder import Builder
from fleet.fitness import Fitness
from fleet.heartbeat import Heartbeat
from fleet.node_numbers import NodeNumber
from fleet.pool import concurrency_limit
from fleet.probe import find_fault
from fleet.runner import Runner
from foundation import linux
from foundation.times import iso_utc
from foundation.tracer import tracer
from hosts import scratch
from hosts.environments import EnvironmentStore
from hosts.script_hosts import ScriptHosts

TICK_SECONDS = 1.0

_log = logging.getLogger("udapi.manager")


class Node(bootsteps.StartStopStep):
    """This process as a node of the fleet: number, script hosts, heartbeat, runner. A bootstep of Celery's worker."""

    requires = ("celery.worker.components:Pool",)

    slot: NodeNumber
    hosts: ScriptHosts
    heartbeat: Heartbeat
    fitness: Fitness
    builder: Builder
    runner: Runner
    _has_paused = False

    def start(self, worker: Any) -> None:
        """Get ready to run scripts. The node joins the fleet when the loop of Celery's consumer ticks.

        Raises:
            SystemExit: it gets no number or cannot begin scripts. Its supervisor starts it again.
        """
        self._worker = worker
        try:
            self._prepare()
        except (DatabaseError, OSError) as error:
            _log.critical("the worker node cannot start: %s", error)
            raise SystemExit(1) from error
        tracer.start(settings.UDAPI_TRACES)
        _log.info("node=%s runs at most %s triggers at once", self.slot.id, concurrency_limit())
        if not confinement.is_enforced():
            _log.warning("node=%s %s", self.slot.id, confinement.UNCONFINED)
        worker.pool.when_idle = self.runner.abandon
        worker.app.tasks[celery_message.TASK_NAME].node = self
        worker.timer.call_after(0, self._tick)
        worker.timer.call_repeatedly(TICK_SECONDS, self._tick)

    def _prepare(self) -> None:
        since = iso_utc(datetime.now(UTC))
        self.slot = NodeNumber()
        user, state_dir = settings.UDAPI_SCRIPT_USER, settings.UDAPI_STATE_DIR
        store = EnvironmentStore(settings.UDAPI_ENVIRONMENTS_DIR)
        paths = confinement.configured_paths()
        self.hosts = ScriptHosts(user=user, state_dir=state_dir, paths=paths, environments=store)
        self.heartbeat = Heartbeat(self.slot.id, concurrency_limit(), since, self._worker.hostname)
        self.fitness = Fitness(self.slot.id, partial(find_fault, self.hosts), self._tick_now)
        options = package_options.configured()
        self.builder = Builder(self.slot.id, store, options, lambda: self.heartbeat.has_joined, self._tick_now)
        self.runner = Runner(self.slot.id, self.hosts, self.heartbeat, self.fitness, self._may_take_another)
        linux.return_large_blocks()
        _make_state_dir()
        self.hosts.start()
        if fault := find_fault(self.hosts):
            self.hosts.stop()
            raise OSError(fault)

    @property
    def is_consuming(self) -> bool:
        """Whether the worker takes triggers: not while it is unfit or lacks packages, nor after `celery control
        cancel_consumer`.
        """
        consumer = self._worker.consumer.task_consumer
        return self.is_ready and consumer is not None and consumer.consuming_from(celery_message.QUEUE)

    @property
    def is_ready(self) -> bool:
        """Whether the node can begin scripts and has the packages of all that callers may want."""
        return self.fitness.is_fit and self.builder.is_complete

    def _may_take_another(self) -> bool:
        return self.is_consuming and not self._worker.pool.has_waiting

    def _tick(self) -> None:
        self._follow_readiness()
        self.heartbeat.tick(is_consuming=self.is_consuming)
        self.fitness.tick()
        self.builder.tick()
        self.runner.live.tick()

    def _follow_readiness(self) -> None:
        """Fetch no triggers while the node is not ready. `Runner` gives back those that are already on their way."""
        consumer, is_ready = self._worker.consumer, self.is_ready
        if consumer.task_consumer is None:
            return
        if not is_ready and consumer.task_consumer.consuming_from(celery_message.QUEUE):
            consumer.cancel_task_queue(celery_message.QUEUE)
            self._has_paused = True
        elif is_ready and self._has_paused:
            consumer.add_task_queue(celery_message.QUEUE)
            self._has_paused = False

    def _tick_now(self) -> None:
        """Make the loop tick; callable from any thread."""
        self._worker.hub.call_soon(self._tick)

    def run(self, job_id: str) -> None:
        """Run a job. A further job that the thread has taken with the answer is handed to Celery."""
        following = self.runner.run(job_id)
        if following is None:
            return
        strategy = self._worker.consumer.strategies[celery_message.TASK_NAME]
        try:
            strategy(celery_message.received(following), None, _nothing, _nothing, ())
        finally:
            if not self._worker.pool.has_next_here:
                self.runner.abandon()

    def cancel(self, run_id: str, by: str = "") -> bool:
        """End a run with everything that its script has started; returns whether it goes on here."""
        return self.runner.live.cancel(run_id, by)

    def close(self, worker: Any) -> None:
        """Leave the fleet: new triggers go to other nodes."""
        self.fitness.stop()
        self.builder.stop()
        self.heartbeat.leave()

    def stop(self, worker: Any) -> None:
        """Wait for all runs, then end the script hosts."""
        try:
            worker.pool.stop()
        finally:
            self.terminate(worker)

    def terminate(self, worker: Any) -> None:
        """End all runs at once."""
        self.hosts.stop()
        self.heartbeat.stop()
        self.runner.stop()
        tracer.stop()
        _log.info("node=%s stopped", self.slot.id)


def _make_state_dir() -> None:
    """Make the state directory. Raises OSError, also for a link, whose target root would give away."""
    state_dir, user = settings.UDAPI_STATE_DIR, settings.UDAPI_SCRIPT_USER
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user and state_dir.is_symlink():
        raise NotADirectoryError(f"UDAPI_STATE_DIR, {state_dir}, is a link: name the directory itself")
    if user:
        scratch.give(state_dir, user)


def _nothing(*_: Any, **__: Any) -> None:
    """Stands in for an acknowledgement: the transport has never delivered this message."""
