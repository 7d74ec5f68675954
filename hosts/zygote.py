"""The zygote: a small single-threaded program that forks a clean process for every script host, and ends it.

The worker starts it through exec with an empty environment, and it leaves a keeper behind as its parent. It says
`ready`, then takes requests, each with four descriptors: the host's leash, its job socket, its output pipe and the file
for its report. The zygote is the parent, so it alone can kill without a race: as long as it has not reaped a process,
its id cannot belong to anybody else. It adopts what a host leaves behind, and kills that, too.

On the leash it says `started <pid>` (with a descriptor of the process), then `exited <status>`; or `failed <reason>`.
When the other end of the leash is closed or shut down, the host is ended with all that is below it.
"""

import gc
import json
import logging
import os
import pwd
import selectors
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from foundation import linux
from hosts import host_process, landlock, packages, tree
from hosts.keeper import keep
from hosts.reach import Reach
from hosts.scratch import remove_tree
from hosts.surroundings import default_signals

REQUEST_BYTES = 8 * 1024
DESCRIPTORS = 4
_FAREWELL_SECONDS = 2.0
# How long a killed worker may take to be gone, once its sockets are.
_DEATH_SECONDS = 0.5
# How often to look for orphans that no event tells of, and for those that are just being killed.
_PATROL_SECONDS = 1.0
_HUNT_SECONDS = 0.01
_COUNT_SECONDS = 10.0


@dataclass(frozen=True)
class _Host:
    pid: int
    pidfd: int
    leash: socket.socket


class Zygote:
    """Serves requests until the worker is gone; then no host is left."""

    def __init__(self, requests: socket.socket, account: host_process.Account | None, reach: Reach) -> None:
        self._requests, self._account, self._reach = requests, account, reach
        self._packages = packages.find()
        # What scripts log; made here for all hosts, each of which has an output of its own.
        self._log: logging.StreamHandler[TextIO] = logging.StreamHandler()
        logging.basicConfig(handlers=[self._log], level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        self._keeper = os.pidfd_open(os.getppid())
        self._selector = selectors.DefaultSelector()
        self._hosts: dict[int, _Host] = {}
        self._serving = True
        self._pause = _PATROL_SECONDS
        self._tasks, self._count_again_at = 0, 0.0

    def serve(self) -> None:
        """Fork, watch and end hosts until the request socket is closed at the other end, or the keeper is gone."""
        self._requests.send(b"ready")
        self._selector.register(self._requests, selectors.EVENT_READ, self._take_request)
        self._selector.register(self._keeper, selectors.EVENT_READ, self._finish)
        while self._serving:
            self._turn()
        tree.kill(*self._hosts)
        last_moment = time.monotonic() + _FAREWELL_SECONDS
        while (self._hosts or self._hunt()) and time.monotonic() < last_moment:
            self._turn()

    def _turn(self) -> None:
        events = self._selector.select(self._pause)
        for key, _ in events:
            key.data()
        if not events:
            self._hunt()

    def _hunt(self) -> bool:
        """Kill and reap whatever has become our child by losing its parents; whether there was any."""
        found = tree.end_children(spared=self._hosts)
        self._pause = _HUNT_SECONDS if found else _PATROL_SECONDS
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
            self._begin(self._terms(wanted["memoryLimitMb"], wanted["directory"]), *descriptors)
        else:  # out of descriptors: the worker sees its leash end before the host has started
            _close(descriptors)

    def _finish(self) -> None:
        if self._serving:
            self._serving = False
            self._selector.unregister(self._requests)
            self._selector.unregister(self._keeper)

    def _terms(self, memory_limit_mb: int, directory: str) -> host_process.Terms:
        shared = self._reach, self._packages, self._log
        return host_process.Terms(memory_limit_mb, directory, *shared, self._count_tasks(), self._account)

    def _begin(self, terms: host_process.Terms, leash_fd: int, job: int, output: int, report: int) -> None:
        leash, zygote = socket.socket(fileno=leash_fd), os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _tell(leash, f"failed {error.strerror}")
            leash.close()
        else:
            if pid == 0:
                host_process.live(zygote, terms, job, output, report)
            self._watch(_Host(pid, os.pidfd_open(pid), leash))
        _close([job, output, report])

    def _count_tasks(self) -> int:
        """How many threads the account of the scripts has, counted now and then."""
        now = time.monotonic()
        if now > self._count_again_at:
            self._tasks = tree.tasks_of(self._account.uid if self._account else os.geteuid())
            self._count_again_at = now + _COUNT_SECONDS
        return self._tasks

    def _watch(self, host: _Host) -> None:
        self._hosts[host.pid] = host
        _tell(host.leash, f"started {host.pid}", host.pidfd)
        self._selector.register(host.leash, selectors.EVENT_READ, partial(self._end, host))
        self._selector.register(host.pidfd, selectors.EVENT_READ, partial(self._reap, host))

    def _end(self, host: _Host) -> None:
        # Both events of a host may be in one batch: once it is reaped, its id may be another's.
        if host.pid in self._hosts:
            self._selector.unregister(host.leash)
            tree.kill(host.pid)

    def _reap(self, host: _Host) -> None:
        _, status = os.waitpid(host.pid, 0)
        del self._hosts[host.pid]
        self._selector.unregister(host.pidfd)
        with suppress(KeyError):
            self._selector.unregister(host.leash)
        os.close(host.pidfd)
        self._hunt()
        _tell(host.leash, f"exited {os.waitstatus_to_exitcode(status)}")
        host.leash.close()


def _tell(leash: socket.socket, message: str, *descriptors: int) -> None:
    with suppress(OSError):  # the worker has let go of the host
        socket.send_fds(leash, [message.encode()], descriptors)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _account(user: str) -> host_process.Account | None:
    if not user:
        return None
    entry = pwd.getpwnam(user)
    return host_process.Account(entry.pw_uid, entry.pw_gid)


def main() -> None:
    """Run as `python -I -S -c <bootstrap> <project root> <request descriptor> <scratch base> <user or ""> <reach>`."""
    root, descriptor, scratch_base, user, paths = sys.argv[1:]
    worker = os.pidfd_open(os.getppid())
    # What scripts may import of the project is loaded; the rest stays out of their way.
    sys.path.remove(root)
    sys.argv[:] = [""]
    default_signals()
    linux.return_large_blocks()
    linux.adopt_orphans()
    linux.give_up_becoming_root()
    landlock.abi()  # kept for all hosts
    requests, account, reach = socket.socket(fileno=int(descriptor)), _account(user), Reach(**json.loads(paths))
    gc.collect()
    gc.freeze()
    if zygote := os.fork():
        requests.close()
        is_alone = keep(zygote) and linux.has_ended(worker, _DEATH_SECONDS)
    else:
        os.setsid()
        linux.adopt_orphans()
        Zygote(requests, account, reach).serve()
        is_alone = linux.has_ended(worker, _DEATH_SECONDS)
    # A worker that lives begins again with another zygote, in the same directory.
    if is_alone:
        remove_tree(Path(scratch_base))
