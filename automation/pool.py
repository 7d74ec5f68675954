"""The worker's pool of threads."""

import contextlib
import logging
import os
from concurrent.futures import Future
from typing import Any

from celery.concurrency.thread import TaskPool as ThreadPool
from kombu.asynchronous import Hub

from automation.limits import concurrency_limit

_log = logging.getLogger("udapi.manager")


class TaskPool(ThreadPool):
    """Celery's thread pool with the limit of the contract, whatever the command line says.

    The worker takes a message only when a thread is free (`worker_disable_prefetch`). Its event loop looks
    for that only when something wakes it, so each finished task does, through a pipe: without it, a
    message waits for the loop's next time-out.
    """

    def __init__(self, limit: int | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(concurrency_limit(), *args, **kwargs)
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)

    def register_with_event_loop(self, hub: Hub) -> None:
        """Let a finished task wake the worker's loop."""
        hub.add_reader(self._wake_reader, self._drain)

    def on_apply(self, *args: Any, **kwargs: Any) -> Any:
        """Run a task in a thread of the pool."""
        result = super().on_apply(*args, **kwargs)
        result.f.add_done_callback(self._wake)
        return result

    def _wake(self, ended: "Future[Any]") -> None:
        if not ended.cancelled() and (error := ended.exception()):
            _log.error("a thread of the pool was left by an exception", exc_info=error)
        # A full pipe is as good: the loop is about to wake anyway.
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writer, b"!")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_reader, 4_096):
                continue
