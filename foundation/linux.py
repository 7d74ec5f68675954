"""What the script hosts ask of Linux beyond Python's standard library."""

import ctypes
import os
import select
import signal
import struct
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_ROOT_IS_NO_EXCEPTION = 0b11  # SECBIT_NOROOT, locked
_CAPABILITY_VERSION = 0x20080522
_MOST_CAPABILITIES = 64
_PIDFD_SIGNAL_PROCESS_GROUP = 4
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGE_BLOCK_BYTES = 1_000_000
_HEAPS = 2

# Loaded before any fork: after it the dynamic linker has no part in a run.
_libc = ctypes.CDLL(None, use_errno=True)


class UnsupportedError(OSError):
    """This system has not what script hosts are made of."""


def require() -> None:
    """Raises UnsupportedError where script hosts cannot work."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        raise UnsupportedError("script hosts need Linux 5.4 or newer")


def die_with_parent() -> None:
    """The calling process is killed when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def has_ended(pidfd: int, within_seconds: float = 0.0) -> bool:
    """Whether a process has ended, or does so soon."""
    return bool(select.select([pidfd], [], [], within_seconds)[0])


def adopt_orphans() -> None:
    """What is below the calling process stays below it, whatever forks twice or starts a session."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide_memory(hidden: bool = True) -> None:
    """Keep memory, environment and descriptors of this process from others of its account; root sees them anyway."""
    _libc.prctl(_PR_SET_DUMPABLE, 0 if hidden else 1, 0, 0, 0)


def give_up_becoming_root() -> None:
    """Make root an account like any other to all that this process and its children execute.

    It keeps the capabilities that it has. Does nothing in a process without the right to say so: that has none to lose.
    """
    for capability in range(_MOST_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
            break
    _libc.prctl(_PR_SET_SECUREBITS, _ROOT_IS_NO_EXCEPTION, 0, 0, 0)


def renounce_privileges() -> None:
    """Drop every capability, and gain none by a set-user-id program. Raises OSError."""
    nothing = bytes(24)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    if _libc.capset(header, nothing) or _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the privileges of this process cannot be dropped")


def return_large_blocks() -> None:
    """From now on, in the calling process and those it forks: memory of large bodies goes back to the system at once.

    Otherwise the C library keeps what it is given back for the next time, in a heap for each thread, in pieces. Where
    it is not GNU's it has its own ways.
    """
    if set_option := getattr(_libc, "mallopt", None):
        set_option(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
        set_option(_M_ARENA_MAX, _HEAPS)


def clear_environment() -> None:
    """Forget every variable, also what `os.environ` does not know of."""
    _libc.clearenv()


REPORT_SIGNAL = signal.SIGQUIT
"""A host that gets this writes where its threads are, even in C code."""


def ask_for_report(pidfd: int) -> None:
    """Send a host the signal for a report. Raises OSError."""
    signal.pidfd_send_signal(pidfd, REPORT_SIGNAL)


def kill_group(pid: int, pidfd: int) -> None:
    """Kill a process group by its leader, which may have gone."""
    with suppress(ProcessLookupError, PermissionError):
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL, None, _PIDFD_SIGNAL_PROCESS_GROUP)
        except OSError as error:
            if isinstance(error, ProcessLookupError | PermissionError):
                raise
            # Linux before 6.9. The id is still ours unless the ids have wrapped around in this moment.
            os.killpg(pid, signal.SIGKILL)
