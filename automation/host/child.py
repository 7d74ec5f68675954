"""The life of a script's process, from the fork to its end."""

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from io import TextIOWrapper
from typing import Literal, NoReturn

from automation.host import script
from automation.host.frames import UNLIMITED, Frame, FrameReader
from automation.host.jobs import STATE_DIRECTORY
from automation.host.link import Link

Streams = tuple[TextIOWrapper, TextIOWrapper]

_JOB_DESCRIPTOR = 3
_PR_SET_PDEATHSIG = 1
_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_EXIT_BROKEN = 70

# Loaded before the fork: after it the dynamic linker has no part in a run.
_libc = ctypes.CDLL(None, use_errno=True)


def live(zygote: int, scratch: str, job: int, output: int) -> NoReturn:
    """Be the process of one run: take the job from `job`, execute it, answer there. Never returns."""
    try:
        _bind_to(zygote)
        _take_descriptors(job, output)
        streams = _settle(scratch)
        _serve(socket.socket(fileno=_JOB_DESCRIPTOR), streams)
        os._exit(0)
    finally:
        traceback.print_exception(sys.exception())
        os._exit(_EXIT_BROKEN)


def _bind_to(zygote: int) -> None:
    """An own session, which is also the process group that gets killed; no life without the zygote."""
    os.setsid()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != zygote:
        os._exit(_EXIT_BROKEN)


def _take_descriptors(job: int, output: int) -> None:
    """Nothing as input, the pipe as output and error output, the job socket; all else is closed."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(job, _JOB_DESCRIPTOR)
    os.set_inheritable(_JOB_DESCRIPTOR, False)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > _JOB_DESCRIPTOR:
            with suppress(OSError):  # the listing itself was open, too
                os.close(int(name))


def _settle(scratch: str) -> Streams:
    """The surroundings a script finds: scratch directory, environment, limits, streams, logging."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(scratch)
    state = {name: value for name, value in os.environ.items() if name == STATE_DIRECTORY}
    os.environ.clear()
    os.environ.update(PATH=_SEARCH_PATH, LANG="C.UTF-8", TZ="UTC", HOME=scratch, TMPDIR=scratch, **state)
    time.tzset()
    tempfile.tempdir = None
    output, errors = _stream(1, "w"), _stream(2, "w")
    sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = output  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = errors  # type: ignore[misc]
    logging.basicConfig(stream=output, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    return output, errors


def _stream(descriptor: int, mode: Literal["r", "w"]) -> TextIOWrapper:
    """A standard stream that takes any text, line by line: a line that was printed is not lost with the process."""
    return open(descriptor, mode, buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _serve(job_socket: socket.socket, streams: Streams) -> None:
    answering = os.getpid()
    link = Link(job_socket)
    answer = script.execute(_receive(job_socket), link)
    # A process that the script has forked comes back here, too: it has nothing to answer.
    if os.getpid() == answering:
        for stream in streams:
            with suppress(OSError, ValueError):  # the script has closed it
                stream.flush()
        link.send(*answer)


def _receive(job_socket: socket.socket) -> Frame:
    reader = FrameReader(max_header=UNLIMITED, max_body=UNLIMITED)
    while (frame := reader.read(job_socket)) is None:
        pass
    return frame
