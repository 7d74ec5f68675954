"""The keys of dispatch in Redis. The queue itself is `fleet.message.QUEUE`."""

NODES = "udapi:nodes"
"""Sorted set: instance of each worker node → when its heartbeat ends (milliseconds)."""


def ticket(job_id: str) -> str:
    """Hash: the job and its deadline. Whoever deletes it owns the job."""
    return f"udapi:ticket:{job_id}"


def body(job_id: str) -> str:
    """The body of a job, where it is too large for the ticket."""
    return f"udapi:body:{job_id}"


def run(job_id: str) -> str:
    """The instance of the node that runs the job, as long as it does."""
    return f"udapi:run:{job_id}"


def reply(job_id: str) -> str:
    """List: the answer to the job, on its way to the caller."""
    return f"udapi:reply:{job_id}"


def node(instance: str) -> str:
    """What a worker node tells of itself; it ends with the node's heartbeat."""
    return f"udapi:node:{instance}"
