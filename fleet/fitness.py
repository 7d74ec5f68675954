"""The fitness of a worker node: one that cannot begin scripts takes no triggers until it can again."""

import logging
import threading
import time
from collections.abc import Callable

LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 1.0
# A node that fails again within this time after a successful probe waits longer before the next one.
_TRIAL_SECONDS = 60.0

_log = logging.getLogger("udapi.manager")


class Fitness:
    """A node is fit until it cannot begin a script, and fit again after a probe has succeeded. Safe for threads.

    `probe` returns why it failed, or an empty text. `on_change` is called after each change, in the thread that noticed
    it.
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
        """Make the node unfit until a probe succeeds, because a script could not be begun."""
        with self._lock:
            if not self._is_fit or self._stopped.is_set():
                return
            self._is_fit = False
        _log.error("node=%s leaves the fleet until it can begin scripts again: %s", self._node_id, why)
        self._on_change()

    def tick(self) -> None:
        """Start the thread that probes an unfit node, unless it runs. If that fails, the next tick tries again."""
        if self._is_fit or self._stopped.is_set() or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._recover, name="fitness", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            _log.error("node=%s cannot be probed: %s", self._node_id, error)

    def stop(self) -> None:
        """Stop probing: the node is about to end."""
        self._stopped.set()

    def _recover(self) -> None:
        """Probe until a probe succeeds: at once, then after longer and longer pauses.

        A node that becomes unfit again soon afterwards continues with the last pause.
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
