"""The life of a script host's process, from the fork to its end."""

import fcntl
import logging
import os
import resource
import sys
import traceback
from _socket import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, TextIO

from foundation import linux
from hosts import landlock
from hosts.frames import LAST_BYTE, UNLIMITED, Frame, FrameReader
from hosts.jobs import EXIT_NO_ROOM, MAX_TASKS, Order
from hosts.link import Link
from hosts.packages import Packages
from hosts.reach import Reach
from hosts.script import LoadedScript
from hosts.surroundings import REPORT_DESCRIPTOR, SCRIPT_DESCRIPTORS, Surroundings

_JOB_DESCRIPTOR = 3
_EXIT_BROKEN = 70
# A script that computes without end must not keep the product itself from answering.
_NICENESS = 10
_SPARE_TASKS = 56


@dataclass(frozen=True)
class Account:
    """The user that hosts run under, when it is not the worker's."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Terms:
    """Under which a host lives. `directory` is its own: it may write there, besides what `reach` says."""

    memory_limit_mb: int
    directory: str
    reach: Reach
    packages: Packages
    log: logging.StreamHandler[TextIO]
    account_tasks: int
    account: Account | None


def live(zygote: int, terms: Terms, job: int, output: int, report: int) -> NoReturn:
    """Be a script host: take jobs from `job`, execute them one after the other, answer there. Never returns."""
    try:
        _take_descriptors(job, output, report)
        _bind_to(zygote, terms)
        _confine(terms)
        terms.packages.enable()
        surroundings = Surroundings(terms.memory_limit_mb)
        terms.log.setStream(surroundings.output)
        _serve(socket(fileno=_JOB_DESCRIPTOR), surroundings)
        os._exit(0)
    finally:
        try:
            traceback.print_exception(sys.exception())
        finally:
            os._exit(_EXIT_BROKEN)


def _take_descriptors(job: int, output: int, report: int) -> None:
    """Nothing as input, the pipe as output and error output, the job socket and the report; all else is closed."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # First away from the places that are overwritten.
    job, report = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, len(SCRIPT_DESCRIPTORS)) for number in (job, report))
    os.dup2(job, _JOB_DESCRIPTOR, inheritable=False)
    os.dup2(report, REPORT_DESCRIPTOR, inheritable=False)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in SCRIPT_DESCRIPTORS:
            with suppress(OSError):  # the listing itself was open, too
                os.close(int(name))


def _bind_to(zygote: int, terms: Terms) -> None:
    """An own session, the account of scripts, no life without the zygote; last in line for the processor."""
    os.setsid()
    os.nice(_NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    few = terms.account_tasks + MAX_TASKS + _SPARE_TASKS
    few = few if most == resource.RLIM_INFINITY else min(few, most)
    # The worker counts as well, and says why it ends a run; this keeps it from being outrun. Not applied to root.
    resource.setrlimit(resource.RLIMIT_NPROC, (few, few))
    if account := terms.account:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)
        linux.hide_memory(False)
    linux.die_with_parent()
    if os.getppid() != zygote:
        os._exit(_EXIT_BROKEN)


def _confine(terms: Terms) -> None:
    """Give up, for good, all privileges and what no script has to reach. Raises OSError."""
    linux.renounce_privileges()
    if version := landlock.abi():
        landlock.restrict(terms.reach.readable, (terms.directory, *terms.reach.writable), version)


def _serve(channel: socket, surroundings: Surroundings) -> None:
    program = LoadedScript(surroundings)
    while _serve_next(channel, surroundings, program):
        pass


def _serve_next(channel: socket, surroundings: Surroundings, program: LoadedScript) -> bool:
    """Take a job and answer it; whether there may be another. In between a host holds nothing of either."""
    host = os.getpid()
    job = _prepare(channel, surroundings)
    if job is None:
        return False
    link = Link(channel)
    header, body = program.execute(*job, link)
    # A process that the script has forked comes back here, too: it has nothing to answer.
    if os.getpid() != host:
        surroundings.leave()
        return False
    is_reusable = surroundings.leave() and program.is_sound
    link.send(header | {"reusable": is_reusable}, body)
    return True


def _prepare(channel: socket, surroundings: Surroundings) -> tuple[Order, memoryview] | None:
    """Receive the next job, and enter its directory; None when the worker has gone.

    The byte after the job is read last. A host that ends earlier leaves it unread, so the job has not begun.
    """
    try:
        job = _receive(channel)
        if job is None:
            return None
        order = Order.parse(**job.header)  # type: ignore[arg-type]  # what does not fit is no order
        surroundings.enter(order.scratch)
    except MemoryError:
        os._exit(EXIT_NO_ROOM)
    return (order, job.body) if channel.recv(len(LAST_BYTE)) else None


def _receive(channel: socket) -> Frame | None:
    """The next job; None when the worker has gone."""
    reader = FrameReader(max_header=UNLIMITED, max_body=UNLIMITED)
    try:
        while (frame := reader.read(channel)) is None:
            pass
    except EOFError:
        return None
    return frame
