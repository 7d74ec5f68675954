"""Linux calls beyond Python's standard library, for script hosts and the launcher."""

import ctypes
import os
import select
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path

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

# A host that gets this signal writes where its threads are, even in C code.
REPORT_SIGNAL = signal.SIGQUIT

# Loaded before any fork, so that the dynamic linker is not needed after it.
_libc = ctypes.CDLL(None, use_errno=True)


class UnsupportedError(OSError):
    """This system lacks what script hosts need."""


def require() -> None:
    """Raise UnsupportedError where script hosts cannot work."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        raise UnsupportedError("script hosts need Linux 5.4 or newer")


def die_with_parent(with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this signal to the calling process when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, with_signal, 0, 0, 0)


def has_ended(pidfd: int, within_seconds: float = 0.0) -> bool:
    """Whether a process has ended, or ends within this time."""
    return bool(select.select([pidfd], [], [], within_seconds)[0])


def adopt_orphans() -> None:
    """Keep all descendants below the calling process, even those that fork twice or start a session."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide_memory(hidden: bool = True) -> None:
    """Hide memory, environment and descriptors of this process from others of its account; root still sees them."""
    _libc.prctl(_PR_SET_DUMPABLE, 0 if hidden else 1, 0, 0, 0)


def give_up_becoming_root() -> None:
    """Make root an account like any other for all that this process and its children execute.

    The process keeps the capabilities that it has. Without the right to drop them it has none to lose.
    """
    for capability in range(_MOST_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
            break
    _libc.prctl(_PR_SET_SECUREBITS, _ROOT_IS_NO_EXCEPTION, 0, 0, 0)


def renounce_privileges() -> None:
    """Drop every capability, and gain none from set-user-id programs. Raises OSError."""
    nothing = bytes(24)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    if _libc.capset(header, nothing) or _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the privileges of this process cannot be dropped")


def return_large_blocks() -> None:
    """Return the memory of large bodies to the system at once, in this process and those that it forks.

    Otherwise GNU's C library keeps freed memory for later, fragmented over one heap for each thread. Another C library
    is left as it is.
    """
    if set_option := getattr(_libc, "mallopt", None):
        set_option(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
        set_option(_M_ARENA_MAX, _HEAPS)


def sync_file_system(directory: Path) -> None:
    """Have everything written to the disk that was changed in the file system of `directory`. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(descriptor):
            raise OSError(ctypes.get_errno(), "what was built cannot be written to the disk")
    finally:
        os.close(descriptor)


def clear_environment() -> None:
    """Clear every variable, including those that `os.environ` does not know."""
    _libc.clearenv()


def ask_for_report(pidfd: int) -> None:
    """Raises OSError."""
    signal.pidfd_send_signal(pidfd, REPORT_SIGNAL)


def kill_group(pid: int, pidfd: int) -> None:
    """Kill a process group by its leader, which may have ended."""
    with suppress(ProcessLookupError, PermissionError):
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL, None, _PIDFD_SIGNAL_PROCESS_GROUP)
        except OSError as error:
            if isinstance(error, ProcessLookupError | PermissionError):
                raise
            # Linux before 6.9. The pid is still this process unless pids have wrapped around in this moment.
            os.killpg(pid, signal.SIGKILL)
