"""The Celery task of a job."""

from typing import Any

from celery import shared_task

from automation.message import TASK_NAME
from automation.worker import runner


@shared_task(name=TASK_NAME, bind=True)
def run_job(self: Any) -> None:
    """Run the job whose id is the task's own."""
    runner().run(self.request.id)
