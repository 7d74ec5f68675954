"""The life of a worker node: what starts and ends with Celery's worker process."""

import datetime
import logging
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import Error as DatabaseError

from automation import confinement
from automation.host import linux, scratch
from automation.host.hosts import ScriptHosts
from automation.limits import concurrency_limit
from automation.nodes import Heartbeat, NodeSlot
from automation.runner import Runner

_log = logging.getLogger("udapi.manager")


class WorkerNode:
    """This process as a node of the fleet."""

    def __init__(self) -> None:
        since = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
        self.slot = NodeSlot()
        user, state_dir = settings.UDAPI_SCRIPT_USER, settings.UDAPI_STATE_DIR
        self.hosts = ScriptHosts(user=user, state_dir=state_dir, reach=confinement.reach())
        self.heartbeat = Heartbeat(self.slot.id, concurrency_limit(), since)
        self.runner = Runner(self.slot.id, self.hosts, self.heartbeat)

    def start(self) -> None:
        """Be ready to run scripts, and keep what this process knows from them. Raises OSError."""
        linux.hide_memory()
        linux.return_large_blocks()
        self.hosts.start()
        _make_state_dir()

    def join_fleet(self) -> None:
        """Be known to the endpoints; Celery's log is open by now."""
        _log.info("node=%s runs at most %s triggers at once", self.slot.id, concurrency_limit())
        if not confinement.is_enforced():
            _log.warning("node=%s %s", self.slot.id, confinement.UNCONFINED)
        self.heartbeat.start()

    def stop(self) -> None:
        """Every run has ended, or is ended now."""
        self.hosts.stop()
        self.heartbeat.stop()
        _log.info("node=%s stopped", self.slot.id)


def _make_state_dir() -> None:
    """Raises OSError; also for a link where root would give away what the link leads to."""
    state_dir, user = settings.UDAPI_STATE_DIR, settings.UDAPI_SCRIPT_USER
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user and state_dir.is_symlink():
        raise NotADirectoryError(f"UDAPI_STATE_DIR, {state_dir}, is a link: name the directory itself")
    if user:
        scratch.give(state_dir, user)


_node: WorkerNode | None = None


def runner() -> Runner:
    """The runner of this worker process."""
    if _node is None:
        raise RuntimeError("tasks run in a worker")
    return _node.runner


@worker_init.connect
def _start(**_: Any) -> None:
    """Without its number or its script hosts a worker is none: it ends, and its supervisor tries again."""
    global _node  # noqa: PLW0603  one process is one node
    try:
        _node = WorkerNode()
        _node.start()
    except (DatabaseError, OSError) as error:
        _log.critical("the worker node cannot start: %s", error)
        raise SystemExit(1) from error


@worker_ready.connect
def _join_fleet(**_: Any) -> None:
    if _node is not None:
        _node.join_fleet()


@worker_shutting_down.connect
def _leave_fleet(**_: Any) -> None:
    """New triggers go to other nodes; those that run are finished."""
    if _node is not None:
        _node.heartbeat.leave()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    if _node is not None:
        _node.stop()
