"""The Celery task of a job."""

from celery import Task, shared_task

from automation.message import TASK_NAME
from automation.worker import runner


class Job(Task):  # type: ignore[type-arg]  # generic for the checker alone
    """A task whose messages go their own way to the pool."""

    Strategy = "automation.delivery:delivery"


@shared_task(name=TASK_NAME, base=Job)
def run_job(job_id: str) -> None:
    """Run the job whose id is the task's own."""
    runner().run(job_id)
