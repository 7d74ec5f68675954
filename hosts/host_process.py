"""The process of a script host, from the fork to its end."""

import fcntl
import logging
import os
import pwd
import resource
import sys
import traceback
from _socket import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn, TextIO

from foundation import linux
from hosts import landlock, packages
from hosts.frames import LAST_BYTE, UNLIMITED, Frame, FrameReader
from hosts.jobs import EXIT_NO_ROOM, MAX_TASKS, Order
from hosts.landlock import ReachablePaths
from hosts.packages import Packages
from hosts.run_environment import REPORT_DESCRIPTOR, SCRIPT_DESCRIPTORS, RunEnvironment
from hosts.script import LoadedScript
from hosts.worker_link import WorkerLink

_JOB_DESCRIPTOR = 3
_EXIT_BROKEN = 70
# A script that computes without end must not keep the product from answering.
_NICENESS = 10
# How many threads other programs of the account may start while a host lives: a busy web server has over a thousand.
_SPARE_TASKS = 2_000


@dataclass(frozen=True)
class HostOptions:
    """What the zygote gives a host. It may write to its own `directory`, besides `paths`.

    `environment` is the directory with the packages of its script; if it is empty, `packages` are those it finds.
    `account` is the user that it runs as, if it is not the worker's; `account_tasks` is how many threads that has
    already.
    """

    memory_limit_mb: int
    directory: str
    environment: str
    paths: ReachablePaths
    packages: Packages
    log: logging.StreamHandler[TextIO]
    account_tasks: int
    account: pwd.struct_passwd | None


def live(zygote: int, options: HostOptions, job: int, output: int, report: int) -> NoReturn:
    """Be a script host: take jobs from `job`, execute one after the other, and answer there."""
    try:
        _take_descriptors(job, output, report)
        _bind_to(zygote, options)
        _confine(options)
        found = packages.of_environment(options.environment) if options.environment else options.packages
        found.enable()
        environment = RunEnvironment(options.memory_limit_mb)
        options.log.setStream(environment.output)
        _serve(socket(fileno=_JOB_DESCRIPTOR), environment)
        os._exit(0)
    finally:
        try:
            traceback.print_exception(sys.exception())
        finally:
            os._exit(_EXIT_BROKEN)


def _take_descriptors(job: int, output: int, report: int) -> None:
    """Put the five descriptors of a host in their places and close all others. Its standard input is empty."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # First move them away from the numbers that are overwritten.
    job, report = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, len(SCRIPT_DESCRIPTORS)) for number in (job, report))
    os.dup2(job, _JOB_DESCRIPTOR, inheritable=False)
    os.dup2(report, REPORT_DESCRIPTOR, inheritable=False)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in SCRIPT_DESCRIPTORS:
            with suppress(OSError):  # the descriptor of the listing itself is closed by now
                os.close(int(name))


def _bind_to(zygote: int, options: HostOptions) -> None:
    """Start a session, lower the priority, become the account of scripts, and die with the zygote."""
    os.setsid()
    os.nice(_NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    few = options.account_tasks + MAX_TASKS + _SPARE_TASKS
    few = few if most == resource.RLIM_INFINITY else min(few, most)
    # The worker counts, too, and says why it ends a run. This limit holds a fork bomb back until then, except root's.
    resource.setrlimit(resource.RLIMIT_NPROC, (few, few))
    if account := options.account:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        linux.hide_memory(False)
    linux.die_with_parent()
    # The zygote may have ended before `die_with_parent`.
    if os.getppid() != zygote:
        os._exit(_EXIT_BROKEN)


def _confine(options: HostOptions) -> None:
    """Give up, for good, all privileges and all files that scripts do not need. Raises OSError."""
    linux.renounce_privileges()
    if version := landlock.abi():
        readable = (*options.paths.readable, *filter(None, [options.environment]))
        landlock.restrict(replace(options.paths, readable=readable), options.directory, version)


def _serve(channel: socket, environment: RunEnvironment) -> None:
    program = LoadedScript(environment)
    while _serve_next(channel, environment, program):
        pass


def _serve_next(channel: socket, environment: RunEnvironment, program: LoadedScript) -> bool:
    """Take a job and answer it; returns whether there may be another.

    A function of its own, so that nothing of a job is kept in memory until the next one.
    """
    host = os.getpid()
    job = _prepare(channel, environment)
    if job is None:
        return False
    link = WorkerLink(channel)
    header, body = program.execute(*job, link)
    # A process that the script has forked returns to here as well. It must not answer.
    if os.getpid() != host:
        environment.leave()
        return False
    found = environment.leave()
    link.send(header | {"leftover": program.leftover or found}, body)
    return True


def _prepare(channel: socket, environment: RunEnvironment) -> tuple[Order, memoryview] | None:
    """Receive the next job and enter its directory; None when the worker is gone.

    The byte after the job is read last: if a host ends before, the worker knows that the job has not begun.
    """
    try:
        job = _receive(channel)
        if job is None:
            return None
        order = Order.parse(**job.header)  # type: ignore[arg-type]  # raises TypeError for anything else
        environment.enter(order.scratch, order.traceparent, order.tracestate)
    except MemoryError:
        os._exit(EXIT_NO_ROOM)
    return (order, job.body) if channel.recv(len(LAST_BYTE)) else None


def _receive(channel: socket) -> Frame | None:
    """The next job; None when the worker is gone."""
    reader = FrameReader(max_header=UNLIMITED, max_body=UNLIMITED)
    try:
        while (frame := reader.read(channel)) is None:
            pass
    except EOFError:
        return None
    return frame
