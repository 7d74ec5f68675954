"""The Celery application: the fleet's queue and the rules its workers follow."""

import os
from ssl import CERT_REQUIRED
from urllib.parse import urlsplit

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from automation.limits import concurrency_limit
from udapi_site import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")


def kombu_url(redis_url: str) -> str:
    """The broker's address in kombu's notation, which differs from redis-py's for Unix sockets."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = parts.query.replace("db=", "virtual_host=")
    return f"redis+socket://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")


app = Celery("udapi", amqp="automation.reconnecting:Amqp")
app.conf.update(
    broker_url=kombu_url(settings.REDIS_URL),
    # Without it kombu says that it verifies nothing; what verifies is `automation.reconnecting`.
    broker_use_ssl={"ssl_cert_reqs": CERT_REQUIRED} if settings.REDIS_URL.startswith("rediss:") else None,
    task_default_queue="udapi",
    # A trigger is claimed once by its ticket; Celery only has to carry the message.
    task_ignore_result=True,
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    task_serializer="json",
    accept_content=["json"],
    worker_pool="automation.pool:TaskPool",
    # The pool enforces it; here it is for what Celery tells of itself.
    worker_concurrency=concurrency_limit(),
    worker_prefetch_multiplier=1,
    # A message stays in Redis until a slot is free: another node may take it, and it waits in order.
    worker_disable_prefetch=True,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A broker whose memory is full refuses Celery's own notes: the worker begins anew and does not end.
    broker_channel_error_retry=True,
    broker_transport_options={
        "socket_keepalive": True,
        # Kombu would note in Redis what is received and not acknowledged: two trips and two new clients for each
        # message. Who pops a message claims its ticket at once, and a message that is lost is sent again.
        "ack_emulation": False,
        # One key to look at instead of one for each priority.
        "priority_steps": [0],
    },
    imports=["access.sessions", "automation.tasks", "automation.worker", "tokens.last_use"],
)
app.set_default()


@setup_logging.connect
def log_to_manager_log(**kwargs: object) -> None:
    """A worker logs to `manager.log`; Celery's own set-up of logging is not wanted."""
    logs.to_file("manager.log", settings.UDAPI_LOGS)
