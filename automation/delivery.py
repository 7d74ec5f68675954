"""How Celery hands a message over to the pool: as an id, for a job has no arguments, events, retries or time limits.

Celery's own way makes a request and traces it, which takes a tenth of the time of a lone trigger.
"""

from collections.abc import Callable
from typing import Any

from celery.worker import state


class _Delivered:
    """A message whose job holds a thread of the pool; by their number Celery knows when to take the next."""

    __slots__ = ("__weakref__", "id")

    def __init__(self, job_id: str) -> None:
        self.id = job_id


def delivery(task: Any, app: Any, consumer: Any, **_: Any) -> Callable[..., None]:
    """Celery's strategy for `task`: what its consumer calls with each message."""

    def deliver(message: Any, *_: Any, **__: Any) -> None:
        delivered = _Delivered(message.headers["id"])
        message.ack()
        state.task_reserved(delivered)
        consumer.pool.apply_async(_carry_out, (task, delivered))

    return deliver


def _carry_out(task: Any, delivered: _Delivered) -> None:
    try:
        task.run(delivered.id)
    finally:
        state.task_ready(delivered)
