"""Why a process does not serve another run, in words for maintainers."""

from hosts import tree
from hosts.jobs import HostResult, Outcome, Script
from hosts.warm import MAX_RUNS, Host

TOO_LATE = "The process was killed: the run came too late to begin."
WRITES_ON = "A process that the script started was still writing."
HAS_ENDED = "The process has ended."

_KILLED = {
    Outcome.TIMED_OUT: "The process was killed: time limit.",
    Outcome.OVER_LIMIT: "The process was killed: memory, or processes and threads.",
    Outcome.ABANDONED: "The process was killed: the run that waited for this one has ended.",
    Outcome.CANCELLED: "The process was killed: the run was cancelled.",
    Outcome.DIED: "The process ended without an answer, or with an invalid one.",
}


def why_not(host: Host, script: Script, result: HostResult, *, calls_subscript: bool) -> str:
    """Why the process of `host` cannot serve another run after this result; empty if it can, or if there is none.

    `calls_subscript` says whether the script has called a subscript that has not ended.
    """
    if not host.pid:
        return ""
    if not script.reuse:
        return "The script asks for a new process for every run."
    if reason := _KILLED.get(result.outcome, result.not_kept_warm):
        return reason
    if calls_subscript:
        return "A thread was still waiting for a subscript."
    if host.runs >= MAX_RUNS:
        return f"It has served {MAX_RUNS:,} runs."
    if tree.is_alone(host.pid):
        return ""
    return "Processes that the script started were still running." if tree.tasks(host.pid) else HAS_ENDED
