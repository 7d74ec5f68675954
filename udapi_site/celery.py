"""The Celery application: one broker, two queues, and the settings that both programs of a node share.

`celery -A udapi_site …` uses the default queue, which carries ordinary tasks. The program that runs triggers adds
settings of its own in `udapi_site/triggers.py`.
"""

import os
import sys
from ssl import CERT_REQUIRED
from urllib.parse import urlsplit

import django
from celery import Celery
from celery.contrib.django.task import DjangoTask
from celery.signals import import_modules, setup_logging, worker_init
from django.conf import settings
from django.db import connections
from django.utils.functional import lazy
from kombu.transport import TRANSPORT_ALIASES

from broker.connections import KEEPALIVE
from broker.installation import prefix
from foundation import linux, logs
from udapi_site import timetable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")


def kombu_url(redis_url: str) -> str:
    """The broker's address in kombu's notation, which differs from redis-py's for Unix sockets."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = parts.query.replace("db=", "virtual_host=")
    return f"redis+socket://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")


class BackgroundTask(DjangoTask):  # type: ignore[type-arg]  # generic for the checker alone
    """An ordinary task, which closes its thread's database connections when it ends."""

    def after_return(self, *arguments: object, **options: object) -> None:
        """A task that overrides this has to close them itself."""
        connections.close_all()


# For all connections: consumers, producers, remote control and events.
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "broker.transport:ClaimingTransport"

# No fix-ups: Celery's own for Django closes connections around every task. Triggers hold none, and it took a tenth of
# their throughput.
app = Celery("udapi", events="fleet.consumer:Events", task_cls=BackgroundTask, fixups=[])
# The command `celery` has the project on its path only while it looks for the application.
sys.path.insert(0, str(settings.BASE_DIR))
app.conf.update(
    broker_url=kombu_url(settings.REDIS_URL),
    # Kombu warns without it; `broker.transport` does the verification.
    broker_use_ssl={"ssl_cert_reqs": CERT_REQUIRED} if settings.REDIS_URL.startswith("rediss:") else None,
    task_default_queue="udapi.background",
    task_ignore_result=True,
    # No result is stored, so there is nothing to delete every day.
    result_expires=None,
    task_serializer="json",
    accept_content=["json"],
    worker_consumer="fleet.consumer:PromptConsumer",
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Redis refuses Celery's own keys while its memory is full: the worker reconnects instead of ending.
    broker_channel_error_retry=True,
    broker_transport_options={
        # Kombu prefixes keys, queues and channels with it. Lazy, because it may come from the database.
        "global_keyprefix": lazy(prefix, str)(),
        "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE,
        # A consumer reconnects within five seconds after its broker went silent.
        "health_check_interval": 2,
        # A worker whose broker is silent can still be stopped.
        "socket_timeout": 3,
        # One key instead of one for each priority.
        "priority_steps": [0],
    },
    imports=timetable.task_modules(),
    beat_schedule=timetable.entries(),
)
app.steps["worker"].add("fleet.schedule:Scheduling")
app.set_default()


@import_modules.connect
def set_up_django(**kwargs: object) -> None:
    django.setup()


@setup_logging.connect
def log_to_manager_log(**kwargs: object) -> None:
    """A worker logs to `manager.log` (see `foundation/logs.py`), without Celery's own logging set-up."""
    logs.of_server("manager.log", settings.UDAPI_LOGS)


@worker_init.connect
def keep_secrets(**kwargs: object) -> None:
    """Hide the worker's memory and environment from other processes of this account, such as scripts."""
    linux.hide_memory()
