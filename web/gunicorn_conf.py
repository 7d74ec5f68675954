"""gunicorn's settings (`-c python:web.gunicorn_conf`)."""

import gc
import logging
import os
import resource
import sys
from typing import Any

import redis
from django.conf import settings
from django.core.signals import request_started
from django.db import connections, reset_queries
from gunicorn.glogging import Logger

from broker.client import claim_installation
from broker.owner import ForeignInstallationError
from foundation import linux, logs
from foundation.log_output import claimed_output
from foundation.tracer import tracer
from web import threads as shares
from web.client_socket import TooSlowError
from web.metric_regions import regions
from web.worker import WebWorker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")

# Kept-alive connections of a worker process; they take no thread.
IDLE_CONNECTIONS = 1_000


class _ClientFaults(logging.Filter):
    """Cuts what a client sent, which may be a secret, from gunicorn's complaints; drops those about slowness."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Invalid request from"):
            record.msg = str(record.msg).replace('"', "'").partition("'")[0]
        return not (record.exc_info and isinstance(record.exc_info[1], TooSlowError))


class WebLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger in the product's format, without what clients sent."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.addFilter(_CLIENT_FAULTS)
        if not settings.UDAPI_LOGS.to_files:
            is_json = settings.UDAPI_LOGS.as_json
            logs.use_output(self.error_log, as_json=is_json, descriptor=claimed_output())
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.formatter(settings.UDAPI_LOGS))


_CLIENT_FAULTS = _ClientFaults()
_host = f"[{settings.UDAPI_HOST}]" if ":" in settings.UDAPI_HOST else settings.UDAPI_HOST

bind = [f"{_host}:{settings.UDAPI_PORT}"]
proc_name = "udapi"
worker_class = WebWorker
workers = settings.UDAPI_WEB_WORKERS
threads = shares.total()
worker_connections = threads + IDLE_CONNECTIONS
# Loaded once and shared by all worker processes: half the memory. Nothing is connected before the fork.
preload_app = True
# What the application consists of stays: looking for garbage in it takes a sixth of its start. `when_ready` ends this.
gc.disable()

# Longer than the usual 60 s of a proxy, so that the proxy closes an idle connection, never we while a request arrives.
keepalive = 75
# The heartbeat of a worker process; a waiting trigger does not delay it.
timeout = 60
graceful_timeout = settings.UDAPI_TRIGGER_TIMEOUT_SECONDS + 5
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108  heartbeats, no disk

# gunicorn answers 414 or 431 to anything longer; 8,190 is its maximum.
limit_request_line = 8_190
limit_request_fields = 100
limit_request_field_size = 8_190
# The same parser everywhere, whatever else is installed.
http_parser = "python"
# sendfile would wait for a slow client without a limit.
sendfile = False

# Only a trusted proxy may state the scheme, and no client may set parts of the WSGI environment.
forwarded_allow_ips = ",".join(settings.UDAPI_TRUSTED_PROXIES)
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""
header_map = "drop"
control_socket_disable = True

# Each trigger leaves two lines in endpoint.log; gunicorn itself logs to standard error if there are files.
accesslog = None
errorlog = "-"
logger_class = WebLogger


def on_starting(server: Any) -> None:
    """Prepare the master, and with it the processes that it forks.

    Their memory is hidden from other processes of this account, and that of large bodies is returned to the system.
    They may open as many descriptors as the system allows, because a waiting trigger takes up to six.

    Raises:
        SystemExit: the installation's id belongs to another database.
    """
    linux.hide_memory()
    linux.return_large_blocks()
    tracer.load(settings.UDAPI_TRACES)
    if settings.UDAPI_METRICS_TOKEN:
        regions.reserve(settings.UDAPI_WEB_WORKERS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        claim_installation()
    except ForeignInstallationError as error:
        sys.exit(f"Error: {error}")
    except redis.RedisError:
        # Triggers are answered with error 1006 until it can be claimed.
        pass


def when_ready(server: Any) -> None:
    """Keep the memory that worker processes inherit shared."""
    gc.freeze()
    gc.enable()


def pre_fork(server: Any, worker: Any) -> None:
    """Close connections that loading the application may have opened: processes must never share one."""
    connections.close_all()
    regions.assign(worker, server.WORKERS.values())


def post_fork(server: Any, worker: Any) -> None:
    regions.begin()


def child_exit(server: Any, worker: Any) -> None:
    """What a process held that has ended is free again."""
    regions.reset(worker)


def post_worker_init(worker: Any) -> None:
    """Log to files, or to standard output, and record spans from here on."""
    logs.of_server("endpoint.log", settings.UDAPI_LOGS)
    logs.refusals_to_file("refused.log", settings.UDAPI_LOGS)
    tracer.start(settings.UDAPI_TRACES)
    # It empties query lists that only `DEBUG` fills, and takes a twentieth of this server's time for a trigger.
    request_started.disconnect(reset_queries)


def worker_exit(server: Any, worker: Any) -> None:
    """Send the last spans, after the last requests."""
    tracer.stop()
