"""A user's own tasks, which `UDAPI_TASK_MODULES` names."""

import time

from broker.client import client
from udapi_site.celery import app

SENDERS = "test:senders"
"""List: the process that sent each message of the frequent task, the latest last."""
DONE = "test:done"
"""Set: the numbers that were noted."""
BEGUN = "test:begun"
"""How often the slow task was begun."""


@app.task(bind=True)
def frequent(self) -> None:
    client().rpush(SENDERS, self.request.origin)


@app.task
def note(number: int) -> None:
    client().sadd(DONE, number)


@app.task(acks_late=True)
def slow_at_first(number: int) -> None:
    if client().incr(BEGUN) == 1:
        time.sleep(600)
    note(number)


app.add_periodic_task(0.5, frequent.s(), name="frequent")
