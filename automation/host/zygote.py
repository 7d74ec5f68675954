"""The zygote: a small single-threaded program that forks a clean process for every run, and ends it.

The worker starts it through exec with an empty environment. A request comes over a socket with three descriptors:
the run's leash, its job socket and its output pipe. The zygote is the parent, so it alone can kill without a race: as
long as it has not reaped a process, neither the process id nor the group id can belong to anybody else.

On the leash the zygote says `started <pid>` (with a descriptor of the process), then `exited <status>`; or
`failed <reason>`. When the other end of the leash is closed or shut down, the run is ended.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from automation.host import child
from automation.host.scratch import remove_tree

REQUEST_BYTES = 8 * 1024
_FAREWELL_SECONDS = 2.0


@dataclass(frozen=True)
class _Run:
    pid: int
    pidfd: int
    leash: socket.socket


class Zygote:
    """Serves requests until the worker is gone; then no run is left."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._selector = selectors.DefaultSelector()
        self._runs: dict[int, _Run] = {}
        self._serving = True

    def serve(self) -> None:
        """Fork, watch and end runs until the request socket is closed at the other end."""
        self._selector.register(self._requests, selectors.EVENT_READ, self._take_request)
        while self._serving:
            self._turn(None)
        for run in self._runs.values():
            _kill(run)
        last_moment = time.monotonic() + _FAREWELL_SECONDS
        while self._runs and time.monotonic() < last_moment:
            self._turn(_FAREWELL_SECONDS)

    def _turn(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            key.data()

    def _take_request(self) -> None:
        try:
            scratch, descriptors, _, _ = socket.recv_fds(self._requests, REQUEST_BYTES, 3, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            scratch, descriptors = b"", []
        if not scratch:
            self._serving = False
            self._selector.unregister(self._requests)
        elif len(descriptors) == 3:
            self._begin(os.fsdecode(scratch), *descriptors)
        else:  # out of descriptors: the worker sees its leash end before the run has started
            _close(descriptors)

    def _begin(self, scratch: str, leash_fd: int, job: int, output: int) -> None:
        leash = socket.socket(fileno=leash_fd)
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _tell(leash, f"failed {error.strerror}")
            leash.close()
        else:
            if pid == 0:
                child.live(zygote, scratch, job, output)
            self._watch(_Run(pid, os.pidfd_open(pid), leash))
        _close([job, output])

    def _watch(self, run: _Run) -> None:
        self._runs[run.pid] = run
        _tell(run.leash, f"started {run.pid}", run.pidfd)
        self._selector.register(run.leash, selectors.EVENT_READ, partial(self._end, run))
        self._selector.register(run.pidfd, selectors.EVENT_READ, partial(self._reap, run))

    def _end(self, run: _Run) -> None:
        # Both events of a run may be in one batch: once it is reaped, its ids may be another's.
        if run.pid in self._runs:
            self._selector.unregister(run.leash)
            _kill(run)

    def _reap(self, run: _Run) -> None:
        _kill(run)
        _, status = os.waitpid(run.pid, 0)
        del self._runs[run.pid]
        self._selector.unregister(run.pidfd)
        with suppress(KeyError):
            self._selector.unregister(run.leash)
        os.close(run.pidfd)
        _tell(run.leash, f"exited {os.waitstatus_to_exitcode(status)}")
        run.leash.close()


def _kill(run: _Run) -> None:
    """Kill a run that is not reaped yet. The leader first: if it has no group yet, it will never have one."""
    with suppress(PermissionError):  # it has become a program of another user
        os.kill(run.pid, signal.SIGKILL)
    with suppress(PermissionError, ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)


def _tell(leash: socket.socket, message: str, *descriptors: int) -> None:
    with suppress(OSError):  # the worker has let go of the run
        socket.send_fds(leash, [message.encode()], descriptors)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _default_signals() -> None:
    """As in a fresh Python, whatever the worker ignores, blocks or handles."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main() -> None:
    """Run as `python -c <bootstrap> <project root> <request descriptor> <scratch base>`."""
    root, descriptor, scratch_base = sys.argv[1:]
    # What scripts may import of the project is loaded; the rest stays out of their way.
    sys.path.remove(root)
    sys.argv[:] = [""]
    _default_signals()
    gc.collect()
    gc.freeze()
    Zygote(socket.socket(fileno=int(descriptor))).serve()
    remove_tree(Path(scratch_base))
