"""Whether a worker node can begin scripts at all: one that cannot takes no triggers until it can again."""

import logging
import threading
import time
import uuid
from collections.abc import Callable

from automation.source import RUN
from hosts.jobs import Assignment, Job, JobKind, Outcome, Script, SubscriptAnswer
from hosts.script_hosts import ScriptHosts

# It never reuses a process: a script whose version is new to the node cannot do so either.
PROBE_SCRIPT = Script(
    str(uuid.UUID(int=0)), "probe", 1, "def run(engine):\n    pass\n", timeout_seconds=30, reuse=False
)

LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 1.0
# A node that fails again within this time after a successful probe waits longer before the next one.
_TRIAL_SECONDS = 60.0

_log = logging.getLogger("udapi.manager")


class Fitness:
    """A node is fit until it cannot begin a script, and fit again when a probe has succeeded.

    `probe` runs a script that does nothing, and returns why it failed, or an empty text. `on_change` is called after
    each change, in whatever thread noticed it. Safe for threads.
    """

    def __init__(self, node_id: int, probe: Callable[[], str], on_change: Callable[[], None]) -> None:
        self._node_id, self._probe, self._on_change = node_id, probe, on_change
        self._lock = threading.Lock()
        self._is_fit = True
        self._pause = self._trial_ends_at = 0.0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_fit(self) -> bool:
        """Whether the node takes triggers."""
        return self._is_fit

    def doubt(self, why: str) -> None:
        """A script could not be begun: the node is unfit until a probe succeeds."""
        with self._lock:
            if not self._is_fit or self._stopped.is_set():
                return
            self._is_fit = False
        _log.error("node=%s leaves the fleet until it can begin scripts again: %s", self._node_id, why)
        self._on_change()

    def tick(self) -> None:
        """Start the thread that probes an unfit node, unless it is alive. This may fail for some time."""
        if self._is_fit or self._stopped.is_set() or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._recover, name="fitness", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            # No room for a thread: the next tick tries again.
            _log.error("node=%s cannot be probed: %s", self._node_id, error)

    def stop(self) -> None:
        """The node is about to end."""
        self._stopped.set()

    def _recover(self) -> None:
        """Probe until a probe succeeds: first at once, then after longer and longer pauses.

        A node that is unfit again soon after goes on with the last pause.
        """
        if time.monotonic() > self._trial_ends_at:
            self._pause = 0.0
        while not self._stopped.wait(self._pause):
            self._pause = min(max(_FIRST_PAUSE_SECONDS, 2 * self._pause), LONGEST_PAUSE_SECONDS)
            if not self._probe():
                self._recovered()
                return

    def _recovered(self) -> None:
        self._trial_ends_at = time.monotonic() + _TRIAL_SECONDS
        self._is_fit = True
        _log.warning("node=%s can begin scripts again and joins the fleet", self._node_id)
        self._on_change()


def find_fault(hosts: ScriptHosts) -> str:
    """Run a script that does nothing in a script host of its own; returns why it failed, or an empty text."""
    job = Job(str(uuid.uuid4()), JobKind.PROBE, PROBE_SCRIPT.id, PROBE_SCRIPT.version, RUN)
    assignment = Assignment(job, PROBE_SCRIPT, PROBE_SCRIPT.timeout_seconds)
    result = hosts.run(assignment, _log.warning, _no_subscript)
    return "" if result.outcome is Outcome.SUCCEEDED else result.message or result.outcome


def _no_subscript(*_: object) -> SubscriptAnswer:
    return SubscriptAnswer(ok=False)
