"""What goes into a run and what comes out of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hosts.watch import Watch

MAX_BODY_BYTES = 30 * 1024 * 1024
MAX_SUBSCRIPT_DEPTH = 5
DEFAULT_MEMORY_LIMIT_MB = 512
MAX_TASKS = 200
"""How many processes and threads a run may have at once, its own included."""

EXIT_NO_ROOM = 71
"""The exit status of a host that cannot receive its job, because the script's memory limit is too small for it."""

# The variable that names the directory for what outlives a run; services of systemd know it by the same name.
STATE_DIRECTORY = "STATE_DIRECTORY"

EntryPoint = Literal["on_api_trigger", "run"]


class JobKind(StrEnum):
    """Where a job comes from."""

    TRIGGER = "Trigger"
    SUBSCRIPT = "Subscript"  # one that nobody waits for
    PROBE = "Probe"


@dataclass(frozen=True, slots=True)
class Call:
    """The request that a trigger answers, its body excepted; `query` holds the pairs in the order they were sent."""

    method: str
    route: str
    token_id: str
    query: Sequence[tuple[str, str]] = ()
    route_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run, from the endpoint to the script host: a version of a script, and what it is called with.

    `call` is None for a job that answers no request; `body` is that of the request, in UTF-8.
    """

    id: str
    kind: JobKind
    script_id: str
    script_version: int
    entry_point: EntryPoint
    parameters: Mapping[str, str] = field(default_factory=dict)
    call: Call | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Script:
    """One version of a script, loaded. Without `reuse` each run gets a process that no other run has used or will."""

    id: str
    name: str
    version: int
    source: str = field(repr=False)
    parameters: Sequence[str] = ()
    timeout_seconds: int = 60
    has_run: bool = True
    memory_limit_mb: int = DEFAULT_MEMORY_LIMIT_MB
    reuse: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """A job with the script that does it.

    The time limit counts from the call of `ScriptHosts.run`. `depth` is 0 for a job from the queue and one more for
    each subscript that is waited for. `start_by` is asked right before the job goes to a process: until when, on the
    machine's monotonic clock, the script may begin.
    """

    job: Job
    script: Script
    time_limit_seconds: float
    depth: int = 0
    start_by: "Callable[[], float] | None" = None


@dataclass(frozen=True, slots=True)
class Order:
    """An assignment as it reaches the script's process, which has the source from its first run on.

    The body of the job follows it as raw bytes.
    """

    id: str
    entry_point: EntryPoint
    parameters: Mapping[str, str]
    call: Call | None
    script_name: str
    memory_limit_mb: int
    scratch: str
    start_by: float | None = None
    source: str = field(default="", repr=False)

    @classmethod
    def of(cls, assignment: Assignment, scratch: str, start_by: float | None, *, with_source: bool) -> "Order":
        """The order for a process whose working directory is `scratch`; the script does not begin after `start_by`."""
        job, script = assignment.job, assignment.script
        source = script.source if with_source else ""
        what = job.id, job.entry_point, job.parameters, job.call
        return cls(*what, script.name, script.memory_limit_mb, scratch, start_by, source)

    @classmethod
    def parse(cls, call: Mapping[str, Any] | None, **fields: Any) -> "Order":
        """The order in the JSON object of a frame. Raises TypeError when it is none."""
        return cls(call=Call(**call) if call else None, **fields)


class Outcome(StrEnum):
    """How a run ended."""

    RETURNED = "Returned"  # on_api_trigger gave a valid output
    NOTHING_VALID_RETURNED = "NothingValidReturned"
    SUCCEEDED = "Succeeded"  # run came to its end, or exit_success was called in it
    FAILED = "Failed"  # raised, exit_fail, sys.exit; also what does not compile or lacks the entry point
    TOO_LARGE = "TooLarge"
    TIMED_OUT = "TimedOut"
    OVER_LIMIT = "OverLimit"  # more memory, or more processes and threads than it may have
    DIED = "Died"  # the process ended without an answer
    ABANDONED = "Abandoned"  # the run that waited for this one has ended
    UNREADABLE = "Unreadable"  # the host cannot read the job; no line of the script was executed
    EXPIRED = "Expired"  # likewise: its time was over before
    COULD_NOT_START = "CouldNotStart"  # likewise: no process or no directory for it, which is the machine's fault


@dataclass(frozen=True)
class Output:
    """A script's response as data. `body` is UTF-8 when `is_text`; code and headers are not judged yet."""

    code: int
    headers: dict[str, list[str]]
    body: bytes
    is_text: bool


@dataclass(frozen=True)
class HostResult:
    """The end of a run. `output` is there for RETURNED alone; `traceback` holds the script's own frames only.

    `reusable` is what the host says of itself: that it found nothing which the next run would find changed.
    """

    outcome: Outcome
    message: str = ""
    traceback: str = ""
    output: Output | None = None
    run_milliseconds: int = 0
    reusable: bool = False


@dataclass(frozen=True)
class SubscriptAnswer:
    """What became of a subscript: `job_id` for one that is not waited for, `message` for one that failed."""

    ok: bool
    job_id: str = ""
    message: str = ""


OnLine = Callable[[str], None]
OnSubscript = Callable[[str, dict[str, str], bool, float, "Watch"], SubscriptAnswer]
