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
def revoke(state: Any, task_id: str | Iterable[str], terminate: bool = False, **options: Any) -> Any:
    """Revoke task by task id (or list of ids)."""
    for job_id in [task_id] if isinstance(task_id, str) else list(task_id):
        if not cancellation.revoke(job_id) and terminate:
            _cancel(job_id)
    # Celery's own termination of a running task would signal the process of the pool, which this pool has not.
    return control.revoke(state, task_id, **options)  # type: ignore[attr-defined]


@control.control_command(name="terminate", variadic="task_id", signature="<signal> [id1 [id2 [... [idN]]]]")
def terminate(state: Any, signal: str, task_id: str | Iterable[str], **options: Any) -> Any:
    """Terminate task by task id (or list of ids). A script is killed, whatever the signal."""
    return revoke(state, task_id, terminate=True, **options)


@control.control_command(name="cancel_run", args=[("run_id", str), ("by", str)], signature="<run_id> [user]")
def cancel_run(state: Any, run_id: str, by: str = "", **_: Any) -> dict[str, bool]:
    """Kill a running script with all its processes, or a subscript that another one waits for."""
    return {"ok": _cancel(run_id, by)}


def _cancel(run_id: str, by: str = "") -> bool:
    return run_job.node is not None and run_job.node.cancel(run_id, by)
