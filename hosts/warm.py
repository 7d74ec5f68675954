"""Script hosts as the worker sees them, and those that rest between two runs."""

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import msgspec

from foundation import linux
from hosts import tree
from hosts.channels import WorkerEnds
from hosts.environments import FoundEnvironment
from hosts.frames import LAST_BYTE, pack
from hosts.jobs import Assignment, Order, Script
from hosts.scratch import Scratch, remove, remove_empty
from hosts.zygote_process import ZygoteProcess

# What a script leaves behind adds up, so its process is replaced after this many runs.
MAX_RUNS = 1_000
MAX_IDLE_SECONDS = 300.0

_MAX_REPORT_LINES = 200
_SCRIPT_FRAME = '  File "<script '


@dataclass(eq=False)
class Host:
    """A script host, which serves one version of a script. `pid` is 0 until its process has started.

    The scratch directories of its runs lie in `directory`. `scratch` is kept for the next run if it is untouched.
    `environment` is where its packages lie, if its script declares some.
    """

    script: Script
    ends: WorkerEnds
    directory: str
    zygote: ZygoteProcess | None = None
    pid: int = 0
    pidfd: int = -1
    runs: int = 0
    idle_since: float = 0.0
    idle_bytes: int = 0
    made_at: float = field(default_factory=time.monotonic)
    scratch: Scratch | None = None
    environment: FoundEnvironment | None = None

    def is_at_rest(self) -> bool:
        """Whether it is alive and has sent and printed nothing since its last answer."""
        poll = select.poll()
        poll.register(self.ends.job, select.POLLIN)
        poll.register(self.ends.output, select.POLLIN)
        return not poll.poll(0)

    def begin(self, assignment: Assignment, scratch: str, start_by: float | None, ends_at: float) -> list[memoryview]:
        """The frame that makes it carry out `assignment` in the directory `scratch`, and the byte after it.

        The run may begin by `start_by`, and its time limit ends at `ends_at`, both on the monotonic clock.
        """
        # The host shares the position in the report, so it writes from the beginning again.
        os.lseek(self.ends.report, 0, os.SEEK_SET)
        self.runs += 1
        job, script = assignment.job, assignment.script
        what = job.id, job.entry_point, job.parameters, job.call
        order = Order(
            *what,
            script.name,
            script.memory_limit_mb,
            scratch,
            start_by,
            script_version=script.version,
            ends_at=ends_at,
            wants_returned=assignment.depth > 0,
            credentials=assignment.credentials,
            traceparent=job.traceparent,
            tracestate=job.tracestate,
        )
        if self.runs == 1:
            libraries = {library.name: library.source for library in script.libraries}
            order = replace(order, source=script.source, libraries=libraries)
        return [*pack(msgspec.json.encode(order), job.body), memoryview(LAST_BYTE)]

    def ask_for_report(self) -> None:
        """Have it write where its threads are, even if they are in C code."""
        with suppress(OSError):
            linux.ask_for_report(self.pidfd)

    def has_reported(self) -> bool:
        return os.lseek(self.ends.report, 0, os.SEEK_CUR) > 0

    def report(self) -> str:
        """The script's own frames in what it wrote; empty if it wrote nothing."""
        size = os.lseek(self.ends.report, 0, os.SEEK_CUR)
        lines = os.pread(self.ends.report, size, 0).decode("utf-8", "replace").splitlines()
        kept = [line for line in lines if line.startswith(("Fatal", _SCRIPT_FRAME))]
        return "\n".join(kept[:_MAX_REPORT_LINES])

    def kill_group(self) -> None:
        """Kill its process group when no zygote can; the leader may have ended already."""
        if self.pidfd >= 0:
            linux.kill_group(self.pid, self.pidfd)

    def close(self) -> None:
        """Close its channels, upon which the zygote ends it, and remove its directories."""
        self.ends.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        if self.scratch:
            remove_empty(self.scratch.path)
        remove(self.directory)

    def remove_used_scratch(self) -> None:
        """Remove the directory of its last run, unless it is untouched."""
        if self.scratch and not self.scratch.is_untouched():
            remove(self.scratch.path)
            self.scratch = None


class WarmHosts:
    """The hosts that wait for their script's next run; safe for threads.

    At most `most` of them are kept, of `most_bytes` together: beyond that, the least recently used ones are ended.
    """

    def __init__(self, most: int, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._most_bytes, self._clock = most, most_bytes, clock
        self._idle: list[Host] = []
        self._lock = threading.Lock()
        self._is_open = True
        self._oldest = 0.0

    def resting(self) -> list[Host]:
        """The hosts that wait now, the least recently used one first."""
        with self._lock:
            return list(self._idle)

    def take(self, script: Script) -> Host | None:
        """The host that last ran this version of `script`; None if none is at rest."""
        while host := self._pop(script):
            if host.is_at_rest():
                return host
            host.close()
        return None

    def put(self, host: Host) -> str:
        """Keep a host that is at rest; others may be ended for it. Returns why it is ended itself, else nothing."""
        host.idle_since, host.idle_bytes = self._clock(), tree.private_bytes(host.pid)
        reason = ""
        with self._lock:
            surplus = [host]
            if not self._is_open:
                reason = "The worker was stopping."
            elif host.made_at < self._oldest:
                reason = "Files that scripts can reach were replaced on this machine."
            else:
                self._idle.append(host)
                surplus = self._take_surplus()
        _close(surplus)
        return reason or ("It takes too much memory to wait for another run." if host in surplus else "")

    def renew(self) -> None:
        """End all hosts that exist now; those that serve a run end after it."""
        with self._lock:
            self._oldest = self._clock()
            gone, self._idle = self._idle, []
        _close(gone)

    def tidy(self) -> None:
        """End the hosts that have died, sent something, or waited too long."""
        with self._lock:
            oldest = self._clock() - MAX_IDLE_SECONDS
            gone = [host for host in self._idle if host.idle_since <= oldest or not host.is_at_rest()]
            self._idle = [host for host in self._idle if host not in gone]
        _close(gone)

    def close(self) -> None:
        """End all hosts, and from now on each that is put here."""
        self._is_open = False
        self.renew()

    def _pop(self, script: Script) -> Host | None:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place].script == script:
                    return self._idle.pop(place)
        return None

    def _take_surplus(self) -> list[Host]:
        gone = []
        while len(self._idle) > self._most or sum(host.idle_bytes for host in self._idle) > self._most_bytes:
            gone.append(self._idle.pop(0))
        return gone


def _close(hosts: list[Host]) -> None:
    for host in hosts:
        host.close()
