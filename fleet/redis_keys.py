"""The keys of dispatch in Redis. All begin with the prefix of the installation."""

from broker.installation import prefix
from broker.last_use_key import last_use_key
from fleet.celery_message import QUEUE


def queue() -> str:
    """List: the messages of jobs that wait. Celery knows it as `QUEUE`, and adds the prefix itself."""
    return prefix() + QUEUE


def nodes() -> str:
    """Sorted set: instance of each worker node → when its heartbeat ends (milliseconds)."""
    return f"{prefix()}nodes"


def offers() -> str:
    """Hash: instance of each living node → its slots, and the formats of jobs that it reads."""
    return f"{prefix()}offers"


def fleet() -> str:
    """Hash: what living nodes offer together. `slots`; `all`: formats that each node reads; `some`: that any does."""
    return f"{prefix()}fleet"


def waiting() -> str:
    """Hash: id of a script → how many of its jobs wait."""
    return f"{prefix()}waiting"


def ticket(job_id: str) -> str:
    """Hash: the job and its deadline. Whoever deletes it owns the job."""
    return f"{prefix()}ticket:{job_id}"


def body(job_id: str) -> str:
    """The body of a job, where it is too large for the ticket."""
    return f"{prefix()}body:{job_id}"


def run(job_id: str) -> str:
    """The instance of the node that runs the job, and when it claimed it; as long as it runs the job."""
    return f"{prefix()}run:{job_id}"


def reply(job_id: str) -> str:
    """List: the answer to the job, on its way to the caller."""
    return f"{prefix()}reply:{job_id}"


def node(instance: str) -> str:
    """When the last heartbeat of a worker node began, and what it tells of the node; ends with the heartbeat."""
    return f"{prefix()}node:{instance}"


def estimate(script_id: str) -> str:
    """How long a run of the script will hold a slot (milliseconds); the time to live tells how old that is."""
    return f"{prefix()}estimate:{script_id}"


def to_publish(job_id: str) -> tuple[str, ...]:
    """The keys of `PUBLISH`, in its order."""
    return nodes(), fleet(), ticket(job_id), queue(), last_use_key(), body(job_id), waiting(), estimate("")


def to_take(finished: str) -> tuple[str, ...]:
    """The keys of `TAKE` by which the job `finished` is answered."""
    return run(finished), reply(finished), queue(), waiting(), ticket(""), run(""), estimate("")


def to_cancel(job_id: str) -> tuple[str, ...]:
    """The keys of `CANCEL`."""
    return ticket(job_id), reply(job_id), run(job_id), body(job_id), waiting()


def to_give_back(job_id: str) -> tuple[str, ...]:
    """The keys of `GIVE_BACK`."""
    return ticket(job_id), run(job_id), queue(), body(job_id), waiting()


def to_beat(instance: str) -> tuple[str, ...]:
    """The keys of `BEAT`."""
    return nodes(), node(instance), offers(), fleet(), queue(), waiting(), estimate("")
