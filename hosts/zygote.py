"""The zygote: a small single-threaded program that forks a clean process for every script host, and kills it.

The worker starts it through exec with an empty environment. It leaves a keeper behind as its parent, says `ready`, and
takes requests, each with four descriptors: the host's control socket, its job socket, its output pipe and the file for
its crash report. Only the zygote can kill a host without a race: it is the parent, and until it reaps a process, the id
cannot belong to another one. It also adopts and kills what a host leaves behind.

On the control socket, the zygote says `started <pid>` (with a pidfd) and later `exited <status>`, or only
`failed <reason>`. When the worker closes or shuts down its end, the zygote kills the host with everything below it.
"""

import gc
import json
import logging
import os
import pwd
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from automation.sdk import sibling_libraries
from foundation import linux
from hosts import landlock, packages, tree
from hosts.host_process import HostOptions, live
from hosts.landlock import ReachablePaths
from hosts.run_environment import default_signals
from hosts.scratch import remove_tree

REQUEST_BYTES = 16 * 1024
DESCRIPTORS = 4
_FAREWELL_SECONDS = 2.0
# How long a killed worker may take to end after its sockets were closed.
_DEATH_SECONDS = 0.5
# For how long the keeper kills what a zygote has left behind, and how often it looks.
_SWEEP_SECONDS = 2.0
_PAUSE_SECONDS = 0.01
# How often to look for orphans, which no event announces: usually, and while some are being killed.
_ORPHANS_SECONDS = 1.0
_KILLED_ORPHANS_SECONDS = 0.01
_COUNT_SECONDS = 10.0


class Zygote:
    """Serves requests until the worker is gone, then kills all hosts."""

    def __init__(self, requests: socket.socket, account: pwd.struct_passwd | None, paths: ReachablePaths) -> None:
        self._requests, self._account, self._paths = requests, account, paths
        self._packages = packages.find()
        # The handler of what scripts log. Each host gives it its own output.
        self._log: logging.StreamHandler[TextIO] = logging.StreamHandler()
        logging.basicConfig(handlers=[self._log], level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        self._keeper = os.pidfd_open(os.getppid())
        self._selector = selectors.DefaultSelector()
        self._hosts: set[int] = set()
        self._serving = True
        self._pause = _ORPHANS_SECONDS
        self._tasks, self._count_again_at = 0, 0.0

    def serve(self) -> None:
        """Fork, watch and kill hosts until the worker has closed its request socket, or the keeper is gone."""
        self._requests.send(b"ready")
        self._selector.register(self._requests, selectors.EVENT_READ, self._take_request)
        self._selector.register(self._keeper, selectors.EVENT_READ, self._finish)
        while self._serving:
            self._turn()
        tree.kill(*self._hosts)
        last_moment = time.monotonic() + _FAREWELL_SECONDS
        while (self._hosts or self._kill_orphans()) and time.monotonic() < last_moment:
            self._turn()

    def _turn(self) -> None:
        events = self._selector.select(self._pause)
        for key, _ in events:
            key.data()
        if not events:
            self._kill_orphans()

    def _kill_orphans(self) -> bool:
        """Kill and reap adopted processes, whose parents have ended; returns whether there were any."""
        found = tree.end_children(spared=self._hosts)
        self._pause = _KILLED_ORPHANS_SECONDS if found else _ORPHANS_SECONDS
        return found

    def _take_request(self) -> None:
        try:
            request, descriptors, _, _ = socket.recv_fds(
                self._requests, REQUEST_BYTES, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            request, descriptors = b"", []
        if not request:
            self._finish()
        elif len(descriptors) == DESCRIPTORS:
            wanted = json.loads(request)
            shared = self._paths, self._packages, self._log, self._count_tasks(), self._account
            options = HostOptions(wanted["memoryLimitMb"], wanted["directory"], wanted["environment"], *shared)
            self._begin(options, *descriptors)
        else:
            # We are out of descriptors. The worker sees its control socket end before the host has started.
            _close(descriptors)

    def _finish(self) -> None:
        if self._serving:
            self._serving = False
            self._selector.unregister(self._requests)
            self._selector.unregister(self._keeper)

    def _begin(self, options: HostOptions, control_fd: int, job: int, output: int, report: int) -> None:
        control, zygote = socket.socket(fileno=control_fd), os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _tell(control, f"failed {error.strerror}")
            control.close()
        else:
            if pid == 0:
                live(zygote, options, job, output, report)
            self._add(pid, os.pidfd_open(pid), control)
        _close([job, output, report])

    def _count_tasks(self) -> int:
        """How many threads the account of scripts has, counted at most every ten seconds."""
        now = time.monotonic()
        if now > self._count_again_at:
            self._tasks = tree.tasks_of(self._account.pw_uid if self._account else os.geteuid())
            self._count_again_at = now + _COUNT_SECONDS
        return self._tasks

    def _add(self, pid: int, pidfd: int, control: socket.socket) -> None:
        self._hosts.add(pid)
        _tell(control, f"started {pid}", pidfd)
        self._selector.register(control, selectors.EVENT_READ, partial(self._kill, pid, control))
        self._selector.register(pidfd, selectors.EVENT_READ, partial(self._reap, pid, pidfd, control))

    def _kill(self, pid: int, control: socket.socket) -> None:
        # Both events of a host may come in one batch: once it is reaped, its id may belong to another process.
        if pid in self._hosts:
            self._selector.unregister(control)
            tree.kill(pid)

    def _reap(self, pid: int, pidfd: int, control: socket.socket) -> None:
        _, status = os.waitpid(pid, 0)
        self._hosts.remove(pid)
        self._selector.unregister(pidfd)
        with suppress(KeyError):
            self._selector.unregister(control)
        os.close(pidfd)
        self._kill_orphans()
        _tell(control, f"exited {os.waitstatus_to_exitcode(status)}")
        control.close()


def _tell(control: socket.socket, message: str, *descriptors: int) -> None:
    with suppress(OSError):  # the worker has closed its end
        socket.send_fds(control, [message.encode()], descriptors)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def keep(zygote: int) -> bool:
    """The keeper: wait until the child `zygote` has ended or was killed, then kill what it has left behind.

    Processes that a script has moved to a session of their own would outlive a killed zygote. The keeper adopts them.
    All processes below it come from its zygote, so it kills all of them, whatever else is killed at the same moment.

    SIGTERM kills the zygote. SIGCONT is passed on, in case both were stopped. Returns whether the zygote ended without
    a SIGTERM.
    """
    was_told = False

    def end(*_: object) -> None:
        nonlocal was_told
        was_told = True
        os.kill(zygote, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGCONT, lambda *_: os.kill(zygote, signal.SIGCONT))
    # Do not reap it before the handlers, which use its id, are gone.
    os.waitid(os.P_PID, zygote, os.WEXITED | os.WNOWAIT)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCONT, signal.SIG_DFL)
    last_moment = time.monotonic() + _SWEEP_SECONDS
    while tree.end_children() and time.monotonic() < last_moment:
        time.sleep(_PAUSE_SECONDS)
    return not was_told


def main() -> None:
    """Run as `python -I -S -c <bootstrap> <project root> <request descriptor> <scratch base> <user or ""> <paths>`."""
    root, descriptor, scratch_base, user, paths = sys.argv[1:]
    worker = os.pidfd_open(os.getppid())
    # What scripts may import of the project is loaded by now; they must not find the rest.
    sys.path.remove(root)
    sibling_libraries.uninstall()
    sys.argv[:] = [""]
    default_signals()
    linux.return_large_blocks()
    linux.adopt_orphans()
    linux.give_up_becoming_root()
    landlock.abi()  # cached for all hosts
    requests, account = socket.socket(fileno=int(descriptor)), pwd.getpwnam(user) if user else None
    reachable = ReachablePaths(**json.loads(paths))
    gc.collect()
    gc.freeze()
    if zygote := os.fork():
        requests.close()
        is_alone = keep(zygote) and linux.has_ended(worker, _DEATH_SECONDS)
    else:
        os.setsid()
        linux.adopt_orphans()
        Zygote(requests, account, reachable).serve()
        is_alone = linux.has_ended(worker, _DEATH_SECONDS)
    # A worker that is alive starts another zygote, which uses the same directory.
    if is_alone:
        remove_tree(Path(scratch_base))
