"""The threads of a worker node."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from celery.concurrency.base import apply_target
from celery.concurrency.thread import ApplyResult  # type: ignore[attr-defined]  # the stubs lack it
from celery.concurrency.thread import TaskPool as ThreadPool
from kombu.asynchronous import Hub

_log = logging.getLogger("udapi.manager")

SMALLEST_LIMIT = 4

Call = Callable[[], None]


def concurrency_limit() -> int:
    """How many triggers a worker node runs at once: the logical processors, at least 4. It cannot be configured."""
    return max(SMALLEST_LIMIT, os.cpu_count() or 1)


class TaskPool(ThreadPool):
    """Celery's thread pool with a fixed number of threads, whatever the command line says.

    A request that is submitted in a thread of the pool runs in that thread, after the present one. `when_idle` is
    called in a thread that has nothing left to run.

    The worker takes a message only when a thread is free (`worker_disable_prefetch`). Its event loop checks that only
    when it wakes up, so a thread that becomes idle wakes it.
    """

    executor: ThreadPoolExecutor

    def __init__(self, limit: int | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(concurrency_limit(), *args, **kwargs)
        self.when_idle: Callable[[], None] = lambda: None
        self._here, self._waiting, self._lock = threading.local(), 0, threading.Lock()
        self._hub: Hub | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether a request waits for a thread."""
        return self._waiting > 0

    @property
    def has_next_here(self) -> bool:
        """Whether this thread runs another request after the present one."""
        return bool(self._calls)

    def register_with_event_loop(self, hub: Hub) -> None:
        """Remember the worker's loop, which idle threads wake."""
        self._hub = hub

    def terminate_job(self, pid: int, signal: Any = None) -> None:
        """Do nothing: a script is ended by its script host, at its time limit or with the node."""

    def on_apply(
        self,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
        callback: Any = None,
        accept_callback: Any = None,
        **_: Any,
    ) -> ApplyResult | None:
        """Run a request in a thread of the pool; in this thread if it is one."""
        call = partial(apply_target, target, args, kwargs, callback, accept_callback)
        if (calls := self._calls) is None:
            return ApplyResult(self._submit(call))
        calls.append(call)
        return None

    @property
    def _calls(self) -> deque[Call] | None:
        """The calls that this thread still has to make; None in any other thread."""
        return getattr(self._here, "calls", None)

    def _submit(self, call: Call) -> "Future[None]":
        self._count(+1)
        future = self.executor.submit(self._work, call)
        future.add_done_callback(self._wake)
        return future

    def _work(self, call: Call) -> None:
        self._count(-1)
        calls = self._here.calls = deque([call])
        try:
            while calls:
                calls.popleft()()
        finally:
            self._here.calls = None
            self.when_idle()
            for left in calls:
                self._submit(left)

    def _count(self, change: int) -> None:
        with self._lock:
            self._waiting += change

    def _wake(self, ended: "Future[None]") -> None:
        if not ended.cancelled() and (error := ended.exception()):
            _log.error("an exception ended the work of a thread of the pool", exc_info=error)
        if self._hub is not None:
            # Any call wakes the loop, which then checks for free threads.
            self._hub.call_soon(int)
