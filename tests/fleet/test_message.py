"""The prepared message equals one that Celery itself would publish."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import current_app
from celery.app import trace

from fleet import celery_message
from fleet.celery_message import QUEUE, TASK_NAME, entry

JOB_ID = "11111111-2222-3333-4444-555555555555"
ELSEWHERE = "test.published"


def test_message_equals_one_that_celery_publishes(stack):
    # The stack's worker would take it from its own queue.
    current_app.send_task(TASK_NAME, task_id=JOB_ID, queue=ELSEWHERE, ignore_result=True)
    with stack.redis_client() as client:
        published = json.loads(client.rpop(stack.prefix + ELSEWHERE))
        client.delete(f"{stack.prefix}_kombu.binding.{ELSEWHERE}")
    prepared = json.loads(entry(JOB_ID).replace(QUEUE, ELSEWHERE))
    for each in (published, prepared):
        # Random per process and per message.
        each["properties"].pop("reply_to")
        each["properties"].pop("delivery_tag")
        each["headers"].pop("origin")
    assert prepared == published


def test_message_taken_by_a_node_equals_one_that_its_consumer_receives(stack):
    received = celery_message.received(JOB_ID)
    envelope = json.loads(entry(JOB_ID))
    assert (received.headers, received.properties) == (envelope["headers"], envelope["properties"])
    # The consumer would have decoded it. Celery reads no callbacks from it.
    decoded = json.loads(base64.b64decode(envelope["body"]))
    assert [list(decoded[0]), decoded[1], {}] == [list(received.payload[0]), *received.payload[1:]]
    assert not any(decoded[2].values())


def test_job_taken_by_a_node_is_not_a_child_of_the_one_before():
    headers: dict[str, Any] = {}

    def take_another() -> None:
        celery_message._made.cache_clear()
        headers.update(celery_message.received(JOB_ID).headers)

    task = current_app.task(name="test.take_another")(take_another)
    run = trace.build_tracer(task.name, task, app=current_app)
    run("parent", [], {}, {"id": "parent", "root_id": "parent"})
    celery_message._entry_template.cache_clear()
    assert (headers["root_id"], headers["parent_id"]) == (JOB_ID, None)


def test_an_entry_begins_with_the_marker_and_the_id_of_its_job():
    assert entry(JOB_ID).startswith(celery_message.marker() + JOB_ID)
    assert f'"task": "{TASK_NAME}"' in celery_message.marker()


def test_first_callers_of_a_process_may_come_at_the_same_time():
    callers = 16
    together = threading.Barrier(callers)

    def make(_: int) -> str:
        together.wait()
        return str(entry(JOB_ID))

    with ThreadPoolExecutor(callers) as pool:
        for _ in range(20):
            celery_message._made.cache_clear()
            celery_message._entry_template.cache_clear()
            made = set(pool.map(make, range(callers)))
            assert len(made) == 1 and JOB_ID in made.pop()
