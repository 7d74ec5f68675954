"""The Celery message of a job, prepared once.

Celery's own `apply_async` builds and publishes it in steps that cost more than everything else on the way
in, and not in the same step in which the ticket is written. So Celery makes one message, which is then
used with each job's id in it. `tests/automation/test_message.py` holds it against what Celery publishes.
"""

import json
import threading
from functools import cache
from typing import Any

from celery import current_app
from kombu import Connection

QUEUE = "udapi"
TASK_NAME = "automation.run_job"

_ID = "00000000-0000-0000-0000-000000000000"
# Queues in memory belong to the whole process: two threads making their first message would take each other's.
_making = threading.Lock()


def task_message(job_id: str) -> str:
    """The queue entry that makes a worker run the job; `job_id` is a UUID and becomes the task's id."""
    with _making:
        template = _template()
    return template.replace(_ID, job_id)


@cache
def _template() -> str:
    """What Celery publishes for the task, taken from kombu's transport in memory."""
    with Connection("memory://") as connection:
        current_app.send_task(
            TASK_NAME,
            task_id=_ID,
            queue=QUEUE,
            ignore_result=True,
            connection=connection,
        )
        channel: Any = connection.default_channel
        message = channel._get(QUEUE)
    message["properties"]["delivery_tag"] = _ID
    return json.dumps(message)
