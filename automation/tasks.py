"""The Celery task of a job."""

from celery import shared_task

from automation.message import TASK_NAME
from automation.worker import runner


@shared_task(name=TASK_NAME, Strategy="automation.delivery:delivery")
def run_job(job_id: str) -> None:
    """Run the job whose id is the task's own."""
    runner().run(job_id)
