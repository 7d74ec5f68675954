"""The prepared Celery message is what Celery itself would publish."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from celery import current_app

from automation.message import QUEUE, TASK_NAME, _template, task_message

DATABASE = 1
"""Of Redis; no worker node takes messages out of it."""
JOB_ID = "11111111-2222-3333-4444-555555555555"


def test_it_equals_a_message_that_celery_publishes(stack):
    password = stack.data.redis_password_file.read_text()
    with current_app.connection_for_write(
        f"redis+socket://:{password}@{stack.data.redis_socket}?virtual_host={DATABASE}"
    ) as connection:
        current_app.send_task(TASK_NAME, task_id=JOB_ID, queue=QUEUE, ignore_result=True, connection=connection)
    with stack.redis_client(DATABASE) as client:
        published = json.loads(client.rpop(QUEUE))
    prepared = json.loads(task_message(JOB_ID))
    for message in (published, prepared):
        # Random per process and per message.
        message["properties"].pop("reply_to")
        message["properties"].pop("delivery_tag")
        message["headers"].pop("origin")
    assert prepared == published


def test_the_first_callers_of_a_process_may_come_at_once():
    callers = 16
    together = threading.Barrier(callers)

    def make(_: int) -> str:
        together.wait()
        return task_message(JOB_ID)

    with ThreadPoolExecutor(callers) as pool:
        for _ in range(20):
            _template.cache_clear()
            made = set(pool.map(make, range(callers)))
            assert len(made) == 1 and JOB_ID in made.pop()
