"""The keys of jobs and nodes in Redis. All begin with the prefix of the installation."""

from broker.installation import last_use_key, prefix
from fleet.celery_message import QUEUE


def queue() -> str:
    """List: the messages of jobs that wait. Celery calls it `QUEUE` and adds the prefix itself."""
    return prefix() + QUEUE


def nodes() -> str:
    """Sorted set: instance of each worker node → when its heartbeat ends (milliseconds)."""
    return f"{prefix()}nodes"


def leaving() -> str:
    """Sorted set: instance of each worker node that takes no jobs, but may run some → when its heartbeat ends."""
    return f"{prefix()}leaving"


def departure(node_id: int) -> str:
    """When the worker node of this number last left the fleet on purpose (milliseconds); expires after a day."""
    return f"{prefix()}left:{node_id}"


def offers() -> str:
    """Hash: instance of each living node → its slots, and the job formats that it reads."""
    return f"{prefix()}offers"


def fleet() -> str:
    """Hash: what living nodes offer together: `slots`, and the formats that `all` or `some` of them read."""
    return f"{prefix()}fleet"


def waiting() -> str:
    """Hash: id of a script → how many of its jobs wait."""
    return f"{prefix()}waiting"


def ticket(job_id: str) -> str:
    """Hash: the job and its deadline. The process that deletes it owns the job."""
    return f"{prefix()}ticket:{job_id}"


def body(job_id: str) -> str:
    """The body of a job, if it is too large for the ticket."""
    return f"{prefix()}body:{job_id}"


def run(job_id: str) -> str:
    """The claim of a running job: instance of its node, when that claimed it, until when the caller surely waits, and
    the definition that limits its jobs."""
    return f"{prefix()}run:{job_id}"


def reply(job_id: str) -> str:
    """List: the answer to the job, on its way to the caller."""
    return f"{prefix()}reply:{job_id}"


def node(instance: str) -> str:
    """When the last heartbeat of a worker node began, and the state of the node; expires with the heartbeat."""
    return f"{prefix()}node:{instance}"


def estimate(script_id: str) -> str:
    """How long a run of the script will hold a slot (milliseconds); the time to live tells the age of the estimate."""
    return f"{prefix()}estimate:{script_id}"


def active(definition_id: str) -> str:
    """Sorted set: jobs of a definition with a limit that wait or run → when they were published or claimed."""
    return f"{prefix()}active:{definition_id}"


def records() -> str:
    """Stream: the records of runs that are not in the database yet."""
    return f"{prefix()}records"


def extras() -> str:
    """Stream: the logs and bodies of these runs."""
    return f"{prefix()}extras"


def buffered() -> str:
    """Hash: the `bytes` that both streams hold, and the number of `lost_extras` that had no room."""
    return f"{prefix()}buffered"


def live_runs() -> str:
    """Hash: id of each run that goes on for more than a moment → instance of its node and its record so far."""
    return f"{prefix()}live"


def live_log(run_id: str) -> str:
    """List: the lines that a run has printed, while it goes on."""
    return f"{prefix()}log:{run_id}"


def to_publish(job_id: str) -> tuple[str, ...]:
    """The keys of `PUBLISH`, in its order."""
    own = ticket(job_id), queue(), last_use_key(), body(job_id), waiting(), estimate("")
    return nodes(), fleet(), *own, active(""), ticket(""), node(""), leaving()


def to_take(finished: str) -> tuple[str, ...]:
    """The keys of `TAKE` by which the job `finished` is answered."""
    done = run(finished), reply(finished), queue(), waiting(), ticket(""), run(""), estimate("")
    return *done, active(""), *to_record()


def to_record() -> tuple[str, ...]:
    """The keys of `RECORD`."""
    return records(), extras(), buffered()


def to_cancel(job_id: str) -> tuple[str, ...]:
    """The keys of `CANCEL`."""
    return ticket(job_id), reply(job_id), run(job_id), body(job_id), waiting(), active("")


def to_give_back(job_id: str) -> tuple[str, ...]:
    """The keys of `GIVE_BACK`."""
    return ticket(job_id), run(job_id), queue(), body(job_id), waiting()


def to_beat(instance: str) -> tuple[str, ...]:
    """The keys of `BEAT`."""
    return nodes(), node(instance), offers(), fleet(), queue(), waiting(), estimate(""), leaving()
