"""The Celery message of a job, which carries only its id.

Celery's `apply_async` could not publish it in the step that writes the ticket, and takes longer than everything else on
the way in. So Celery makes one message, into which the id of each job is then inserted.
"""

import json
import threading
from functools import cache
from typing import Any

import kombu
from celery import current_app

QUEUE = "udapi.triggers"
TASK_NAME = "udapi.run_job"

# Positional and named arguments, and Celery's embedded options.
_NO_ARGUMENTS: Any = ((), {}, {})
_ID = "00000000-0000-0000-0000-000000000000"
# Kombu's queues in memory belong to the process: without the lock, a thread could get another's message.
_making = threading.Lock()


def entry(job_id: str) -> str:
    """The queue entry that makes a worker run the job. `job_id` is a UUID and becomes the task's id."""
    return _entry_template().replace(_ID, job_id)


@cache
def marker() -> str:
    """The beginning of every entry, up to the id of its job."""
    return _entry_template().partition(_ID)[0]


def job_id_of(entry: bytes) -> str | None:
    """The job that an entry of the queue is for; None for that of another task."""
    start = marker().encode()
    return entry[len(start) : len(start) + len(_ID)].decode() if entry.startswith(start) else None


def received(job_id: str) -> kombu.Message:
    """The message of a job as Celery's consumer would have received it, already decoded."""
    template = _template()
    return kombu.Message(
        body=_NO_ARGUMENTS,
        content_encoding="binary",
        delivery_tag=job_id,
        delivery_info=template.delivery_info,
        headers=template.headers | {"id": job_id, "root_id": job_id},
        properties=template.properties | {"correlation_id": job_id, "delivery_tag": job_id},
    )


@cache
def _entry_template() -> str:
    # The headers, which hold the task's name, come first, so an entry of another task never begins like a job's.
    parts = _template().serializable()
    return json.dumps({"headers": parts.pop("headers"), **parts})


def _template() -> Any:
    with _making:
        return _made()


@cache
def _made() -> Any:
    """The message that Celery publishes for the task, read back from kombu's transport in memory."""
    with kombu.Connection("memory://") as connection:
        channel: Any = connection.default_channel
        current_app.send_task(TASK_NAME, task_id=_ID, queue=QUEUE, ignore_result=True, connection=connection)
        message = channel.basic_get(QUEUE, no_ack=True)
    message.properties["delivery_tag"] = _ID
    # A node may make it while it runs a job, and Celery would name that job as its parent.
    message.headers |= {"root_id": _ID, "parent_id": None}
    return message
