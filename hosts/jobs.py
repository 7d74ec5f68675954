"""The data of a run: what goes in, and what comes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from foundation.value_masks import ValueMasks

if TYPE_CHECKING:
    from hosts.run_loop import RunLoop

MAX_BODY_BYTES = 30 * 1024 * 1024
MAX_MESSAGE_CHARACTERS = 4 * 1024
"""Hosts cut messages to this length."""

MAX_SUBSCRIPT_DEPTH = 5
DEFAULT_MEMORY_LIMIT_MB = 512
MAX_TASKS = 200
"""How many processes and threads a run may have at once, including its own."""

EXIT_NO_ROOM = 71
"""The exit status of a host whose memory limit is too small for its job."""

# The variable that names the state directory, as in services of systemd.
STATE_DIRECTORY = "STATE_DIRECTORY"
# Those of a place in a trace, as OpenTelemetry and others read them.
TRACEPARENT, TRACESTATE = "TRACEPARENT", "TRACESTATE"

EntryPoint = Literal["on_api_trigger", "run"]


class JobKind(StrEnum):
    """Where a job comes from."""

    TRIGGER = "Trigger"
    SUBSCRIPT = "Subscript"  # without a caller that waits
    PROBE = "Probe"


@dataclass(frozen=True, slots=True)
class Call:
    """The request of a trigger, without its body; `query` and `headers` hold the pairs in the order of the request.

    `is_text` says whether the body is text by its content type.
    """

    method: str
    route: str
    token_id: str
    query: Sequence[tuple[str, str]] = ()
    route_parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    client_address: str = ""
    is_text: bool = True


class RunKind(StrEnum):
    """How a run came about."""

    TRIGGER = "Trigger"
    MESSAGE = "Message"
    SUBSCRIPT = "Subscript"
    TRIAL = "Trial"  # by a user, of a definition or of unsaved source
    REPLAY = "Replay"


@dataclass(frozen=True, slots=True)
class Origin:
    """What the record of a run says about its beginning, and the script does not see.

    `route` is the definition's. `request` is what is kept of the request, if the definition keeps bodies. The answer
    of a job that `wants_log` carries the log. `max_concurrent` is how many jobs of the definition may wait or run; 0
    for no limit.
    """

    kind: RunKind
    parent_id: str = ""
    definition_id: str = ""
    route: str = ""
    user: str = ""
    client_address: str = ""
    keep_bodies: str = "Nothing"
    request: bytes = field(default=b"", repr=False)
    request_bytes: int = 0
    wants_log: bool = False
    max_concurrent: int = 0


@dataclass(frozen=True, slots=True)
class TrialSource:
    """Unsaved source, and what it is tried with: the ids of library versions, and the digest of a lock of packages."""

    source: str = field(repr=False)
    parameters: Sequence[str] = ()
    timeout_seconds: int = 60
    memory_limit_mb: int = DEFAULT_MEMORY_LIMIT_MB
    libraries: Sequence[int] = ()
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What the endpoint queues and a script host runs: the version of a script, and what it is called with.

    `script_version` is 0 where the release before has decided it: the current one. `call` is None for a job without a
    request; `body` is that of the request, in UTF-8 if it is text. A job without an `origin`, of the release before,
    leaves no run. `has_credentials` says whether any are granted to the script; None if nobody has looked.
    `traceparent` and `tracestate` are its place in a trace; empty if it has none.
    """

    id: str
    kind: JobKind
    script_id: str
    script_version: int
    entry_point: EntryPoint
    parameters: Mapping[str, str] = field(default_factory=dict)
    script_name: str = ""
    call: Call | None = None
    content_hash: str = field(default="", kw_only=True)
    """That of the version: a script that is imported again has its id, and begins with the same numbers."""
    body: bytes = field(default=b"", repr=False)
    origin: Origin | None = field(default=None, kw_only=True)
    trial: TrialSource | None = field(default=None, kw_only=True)
    """With it, the script is not a stored one."""
    has_credentials: bool | None = field(default=None, kw_only=True)
    traceparent: str = field(default="", kw_only=True)
    tracestate: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Library:
    """One version of a library. Scripts import it as `scripts.NAME`."""

    name: str
    version: int
    source: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Script:
    """One version of a script, read from the database, with exactly the libraries that it was saved with.

    Without `reuse`, each run gets a process of its own. `version` is 0 for a file that is tried. `environment` is the
    digest of the lock of its packages, empty for a script that declares none: that finds the product's own.
    """

    id: str
    name: str
    version: int
    source: str = field(repr=False)
    parameters: Sequence[str] = ()
    timeout_seconds: int = 60
    has_run: bool = True
    memory_limit_mb: int = DEFAULT_MEMORY_LIMIT_MB
    reuse: bool = True
    libraries: Sequence[Library] = ()
    content_hash: str = ""
    environment: str = ""
    has_credentials: bool | None = field(default=None, compare=False)
    """Whether any were granted to it when it was read; None if nobody has looked."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A job with its script.

    The time limit counts from the call of `ScriptHosts.run`. `depth` is 0 for a job from the queue and one more for
    each nested subscript that is waited for. `start_by` is called right before the job goes to a process. It returns
    until when, on the machine's monotonic clock, the script may begin.

    `run_id` is the run's own, by which it can be cancelled. A subscript that is waited for has its caller's job id.
    `credentials` are the values that the script may read, by name; `masks` hide them in all that others may read, as
    well as those of the runs around it.
    """

    job: Job
    script: Script
    time_limit_seconds: float
    depth: int = 0
    start_by: "Callable[[], float] | None" = None
    run_id: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    masks: ValueMasks = field(default_factory=ValueMasks, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """An assignment as it is sent to the script's process. The body of the job follows it as raw bytes.

    Only the first order of a process holds the source, and the sources of the libraries by name. `ends_at` is the end
    of the time limit on the machine's monotonic clock.
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
    libraries: Mapping[str, str] = field(default_factory=dict, repr=False)
    script_version: int = 0
    ends_at: float = 0.0
    wants_returned: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    traceparent: str = ""
    tracestate: str = ""

    @classmethod
    def parse(cls, call: Mapping[str, Any] | None, **fields: Any) -> "Order":
        """The order in the JSON object of a frame. Raises TypeError if there is none."""
        return cls(call=Call(**call) if call else None, **fields)


class Outcome(StrEnum):
    """How a run ended. With the last three, no line of the script was executed."""

    RETURNED = "Returned"  # on_api_trigger returned a valid output, or the script raised ApiError
    NOTHING_VALID_RETURNED = "NothingValidReturned"
    SUCCEEDED = "Succeeded"  # `run` returned or called exit_success
    FAILED = "Failed"  # an exception, exit_fail, sys.exit; also a script that does not compile or lacks the entry point
    TOO_LARGE = "TooLarge"
    TIMED_OUT = "TimedOut"
    OVER_LIMIT = "OverLimit"  # too much memory, or too many processes and threads
    DIED = "Died"  # the process ended without an answer
    ABANDONED = "Abandoned"  # the run that waited for this one has ended
    CANCELLED = "Cancelled"  # somebody cancelled the run
    UNREADABLE = "Unreadable"  # the host cannot read the job
    EXPIRED = "Expired"  # its time was over before
    COULD_NOT_START = "CouldNotStart"  # no process or no directory for it, which is up to the machine


@dataclass(frozen=True)
class Output:
    """A script's response as data. `body` is UTF-8 if `is_text`; code and headers are not checked yet.

    `error` is the text of an ApiError that the script has raised.
    """

    code: int
    headers: dict[str, list[str]]
    body: bytes
    is_text: bool
    error: str | None = None


@dataclass(frozen=True)
class HostResult:
    """The end of a run. Only RETURNED has an `output`; `traceback` holds the script's own frames only.

    `returned` is the JSON that the `run` of a subscript has returned, empty if it was none. `credentials_used` names
    the credentials that the script has read.

    `not_kept_warm` says why the process does not serve another run; empty if it does, or if the run never had one.
    """

    outcome: Outcome
    message: str = ""
    traceback: str = ""
    output: Output | None = None
    run_milliseconds: int = 0
    not_kept_warm: str = ""
    returned: bytes = field(default=b"", repr=False)
    credentials_used: Sequence[str] = ()


@dataclass(frozen=True)
class SubscriptAnswer:
    """What became of a subscript: `job_id` if the script does not wait for it, else `returned`, as JSON.

    `message` says why it failed; `status` is that of an ApiError that it has raised.
    """

    ok: bool
    job_id: str = ""
    message: str = ""
    status: int | None = None
    returned: bytes = field(default=b"", repr=False)


OnLine = Callable[[str], None]
OnSaid = Callable[[str], None]
OnSubscript = Callable[[str, dict[str, str], bool, float, "RunLoop"], SubscriptAnswer]
