"""The program of a worker node that runs triggers: `celery -A udapi_site.triggers worker -Q udapi.triggers`.

Its settings hold for a whole worker. Ordinary tasks therefore have a second program with Celery's usual prefetch and
acknowledgement: `celery -A udapi_site worker -Q udapi.background`.
"""

from django.conf import settings

from fleet.pool import concurrency_limit
from udapi_site.celery import app

app.conf.update(
    imports=("fleet.tasks",),
    # The ticket makes sure that a trigger runs once; Celery only carries the message.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_pool="fleet.pool:TaskPool",
    # The pool enforces it; this is for what Celery reports about itself.
    worker_concurrency=concurrency_limit(),
    worker_prefetch_multiplier=1,
    # A rate limit set by remote control would delay jobs that a thread has already taken.
    worker_disable_rate_limits=True,
    # A message stays in Redis until a slot is free, where it waits in order and any node may take it.
    worker_disable_prefetch=True,
    broker_transport_options=app.conf.broker_transport_options
    | {
        # Kombu would record unacknowledged messages in Redis, at the price of two round trips and two new clients for
        # each. A node claims the ticket as soon as it has the message, and the caller sends a lost message again.
        "ack_emulation": False,
    },
)
app.steps["worker"].add("fleet.node:Node")
if settings.UDAPI_METRICS_TOKEN and settings.UDAPI_METRICS_PORT:
    app.steps["worker"].add("fleet.node_metrics:NodeMetrics")
app.steps["consumer"].add("fleet.redis_watch:RedisWatch")
