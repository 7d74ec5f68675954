"""`python -m udapi_site.celery_program QUEUE NAME`: the program of a worker node that serves this queue.

It is the worker that `celery -A udapi_site.triggers worker -Q udapi.triggers` or `celery -A udapi_site worker -Q
udapi.background` starts. Celery's command line would first load what its other commands need, such as a prompt with
completion, which takes a tenth of the start.
"""

import gc
import socket
import sys
from importlib import import_module
from typing import Any

from django.conf import settings

# Queue → the module of its application, and the worker's options.
_PROGRAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "udapi.triggers": ("udapi_site.triggers", {}),
    "udapi.background": ("udapi_site.celery", {"pool_cls": "threads", "concurrency": 2}),
}


def main(queue: str, name: str) -> int:
    """Serve `queue` as the Celery worker `name` of this machine, and return the exit status."""
    module, options = _PROGRAMS[queue]
    # What is loaded stays: looking for garbage in it takes a seventh of the start, and time in each later collection.
    gc.disable()
    app = import_module(module).app
    # Celery's banner is a drawing of seventeen lines, each of which would be an object.
    options = options | {"without_gossip": True, "without_mingle": True, "quiet": settings.UDAPI_LOGS.as_json}
    worker = app.Worker(hostname=f"{name}@{socket.gethostname()}", queues=[queue], **options)
    gc.freeze()
    gc.enable()
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
