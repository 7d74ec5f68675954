"""What goes into a run and what comes out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from automation.host.watch import Watch

MAX_BODY_BYTES = 30 * 1024 * 1024
MAX_SUBSCRIPT_DEPTH = 5
DEFAULT_MEMORY_LIMIT_MB = 512
MAX_TASKS = 200
"""How many processes and threads a run may have at once, its own included."""

# The variable that names the directory for what outlives a run; services of systemd know it by the same name.
STATE_DIRECTORY = "STATE_DIRECTORY"

EntryPoint = Literal["on_api_trigger", "run"]


@dataclass(frozen=True)
class Job:
    """One run of one script.

    `request` is plain data, as JSON knows it: `requestMethod`, `route`, `queryParameters` (name to list, or pairs),
    `routeParameters`, `tokenId`; for `run` it may be empty. `raw_body` is UTF-8. `depth` is 0 for a trigger and
    one more for each subscript that is waited for. The time limit counts from the call of `ScriptHosts.run`. Without
    `reuse` the run gets a process that no other has used, nor will.
    """

    trigger_id: str
    script_name: str
    script_version: int
    source: str
    entry_point: EntryPoint
    time_limit_seconds: float
    request: Mapping[str, object] = field(default_factory=dict)
    raw_body: bytes = b""
    parameters: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0
    memory_limit_mb: int = DEFAULT_MEMORY_LIMIT_MB
    reuse: bool = True


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
    COULD_NOT_START = "CouldNotStart"  # no line of the script was executed


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
