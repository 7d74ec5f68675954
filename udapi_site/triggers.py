"""The program of a worker node that runs triggers: `celery -A udapi_site.triggers worker -Q udapi.triggers`.

It is the one Celery application with settings of its own: these hold for a whole worker, so ordinary tasks have a
second program, `celery -A udapi_site worker -Q udapi.background`, with Celery's usual prefetch and acknowledgement.
"""

from fleet.limits import concurrency_limit
from udapi_site.celery import app

app.conf.update(
    # Loaded by the worker once Django is set up.
    imports=("fleet.tasks",),
    # A trigger is claimed once by its ticket; Celery only has to carry the message.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_pool="fleet.pool:TaskPool",
    # The pool enforces it; here it is for what Celery tells of itself.
    worker_concurrency=concurrency_limit(),
    worker_prefetch_multiplier=1,
    # A rate limit by remote control would hold jobs back that a thread has already taken.
    worker_disable_rate_limits=True,
    # A message stays in Redis until a slot is free: another node may take it, and it waits in order.
    worker_disable_prefetch=True,
    broker_transport_options=app.conf.broker_transport_options
    | {
        # Kombu would note in Redis what is received and not acknowledged: two round trips and two new clients for each
        # message. A node claims a ticket as soon as it has the message, and the caller sends a lost message again.
        "ack_emulation": False,
    },
)
app.steps["worker"].add("fleet.node:Node")
app.steps["consumer"].add("fleet.redis_watch:RedisWatch")
