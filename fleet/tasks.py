"""The Celery task that runs a job, and the command that revokes one."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from celery import Task, current_app
from celery.worker import control

from fleet import cancellation
from fleet.celery_message import TASK_NAME

if TYPE_CHECKING:
    from fleet.node import Node


class RunJob(Task):  # type: ignore[type-arg]  # generic for the checker alone
    """Runs the job that has the task's id. The worker's `Node` sets `node`."""

    name = TASK_NAME
    ignore_result = True
    node: "Node | None" = None

    def run(self) -> None:
        """Run the job on this node.

        Raises:
            RuntimeError: this worker is not a node.
        """
        if self.node is None:
            raise RuntimeError("a job was sent to a worker that is not a node")
        self.node.run(str(self.request.id))


run_job = current_app.register_task(RunJob())


@control.control_command(name="revoke", variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(state: Any, task_id: str | Iterable[str], *arguments: Any, **options: Any) -> Any:
    """Revoke task by task id (or list of ids)."""
    for job_id in [task_id] if isinstance(task_id, str) else list(task_id):
        cancellation.revoke(job_id)
    return control.revoke(state, task_id, *arguments, **options)  # type: ignore[attr-defined]
