"""Script hosts as the worker holds them: those that rest between two runs."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from foundation import linux
from hosts import tree
from hosts.channels import WorkerEnds
from hosts.frames import LAST_BYTE, pack
from hosts.jobs import Assignment, Order, Script
from hosts.scratch import Scratch, remove, remove_empty
from hosts.zygote_process import ZygoteProcess

# A script's leftovers add up: after so many runs it begins anew.
MAX_RUNS = 1_000
MAX_IDLE_SECONDS = 300.0

_MAX_REPORT_LINES = 200
_SCRIPT_FRAME = '  File "<script '


class HostKey(NamedTuple):
    """What a host is for: one version of one script, under one memory limit."""

    script_name: str
    script_version: int
    memory_limit_mb: int
    source: str

    @classmethod
    def of(cls, script: Script) -> "HostKey":
        """The hosts that may run `script`."""
        return cls(script.name, script.version, script.memory_limit_mb, script.source)


@dataclass(eq=False)
class Host:
    """One script host. `pid` is 0 until its process is there; `scratch` is left for the next run if it is untouched.

    Its scratch directories lie in `directory`, which is its own.
    """

    key: HostKey
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

    def is_at_rest(self) -> bool:
        """Whether it lives and has said nothing since its last answer."""
        try:
            self.ends.job.recv(1)
        except BlockingIOError:
            return _is_silent(self.ends.output)
        except OSError:
            return False
        return False

    def begin(self, assignment: Assignment, scratch: str, start_by: float | None) -> list[memoryview]:
        """The frame that has it carry out `assignment` in the directory `scratch`, and the byte after it."""
        # The position in the report is shared with the host: it writes from the beginning again.
        os.lseek(self.ends.report, 0, os.SEEK_SET)
        self.runs += 1
        order = Order.of(assignment, scratch, start_by, with_source=self.runs == 1)
        return [*pack(msgspec.json.encode(order), assignment.job.body), memoryview(LAST_BYTE)]

    def ask_for_report(self) -> None:
        """Have it write where its threads are, whatever they do."""
        with suppress(OSError):
            linux.ask_for_report(self.pidfd)

    def has_reported(self) -> bool:
        """Whether it has begun to write."""
        return os.lseek(self.ends.report, 0, os.SEEK_CUR) > 0

    def report(self) -> str:
        """What it wrote of its threads, the script's own frames only; empty if it wrote nothing."""
        size = os.lseek(self.ends.report, 0, os.SEEK_CUR)
        lines = os.pread(self.ends.report, size, 0).decode("utf-8", "replace").splitlines()
        kept = [line for line in lines if line.startswith(("Fatal", _SCRIPT_FRAME))]
        return "\n".join(kept[:_MAX_REPORT_LINES])

    def kill_group(self) -> None:
        """Kill what nobody else can kill any more; the leader may have gone already."""
        if self.pidfd >= 0:
            linux.kill_group(self.pid, self.pidfd)

    def close(self) -> None:
        """Let go of it: the zygote ends it."""
        self.ends.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        if self.scratch:
            remove_empty(self.scratch.path)
        remove(self.directory)

    def remove_scratch(self) -> None:
        """Remove the directory that its runs had."""
        if self.scratch:
            remove(self.scratch.path)
            self.scratch = None


class WarmHosts:
    """The hosts that wait for their script's next run, the longest unused first; safe for threads.

    `most` of them at a time, and of `most_bytes` together: beyond that the longest unused one goes.
    """

    def __init__(self, most: int, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._most_bytes, self._clock = most, most_bytes, clock
        self._idle: list[Host] = []
        self._lock = threading.Lock()
        self._is_open = True
        self._oldest = 0.0

    def resting(self) -> list[Host]:
        """Those that wait now, the longest unused first."""
        with self._lock:
            return list(self._idle)

    def take(self, key: HostKey) -> Host | None:
        """The host that ran last for `key`, None if none is at rest."""
        while host := self._pop(key):
            if host.is_at_rest():
                return host
            host.close()
        return None

    def put(self, host: Host) -> None:
        """Keep a host that is at rest; others may have to go for it."""
        host.idle_since, host.idle_bytes = self._clock(), tree.private_bytes(host.pid)
        with self._lock:
            surplus = [host]
            if self._is_open and host.made_at >= self._oldest:
                self._idle.append(host)
                surplus = self._take_surplus()
        _close(surplus)

    def renew(self) -> None:
        """Let all go that are there now, also those that are in a run, at its end."""
        with self._lock:
            self._oldest = self._clock()
            gone = self._take_all()
        _close(gone)

    def tidy(self) -> None:
        """Let those go that have died, said something, or waited too long."""
        with self._lock:
            oldest = self._clock() - MAX_IDLE_SECONDS
            gone = [host for host in self._idle if host.idle_since <= oldest or not host.is_at_rest()]
            self._idle = [host for host in self._idle if host not in gone]
        _close(gone)

    def close(self) -> None:
        """Let all go, and from now on whatever comes."""
        with self._lock:
            self._is_open = False
            gone = self._take_all()
        _close(gone)

    def _pop(self, key: HostKey) -> Host | None:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place].key == key:
                    return self._idle.pop(place)
        return None

    def _take_surplus(self) -> list[Host]:
        gone = []
        while len(self._idle) > self._most or sum(host.idle_bytes for host in self._idle) > self._most_bytes:
            gone.append(self._idle.pop(0))
        return gone

    def _take_all(self) -> list[Host]:
        gone, self._idle = self._idle, []
        return gone


def _close(hosts: list[Host]) -> None:
    for host in hosts:
        host.close()


def _is_silent(output: int) -> bool:
    try:
        os.read(output, 1)
    except BlockingIOError:
        return True
    return False
