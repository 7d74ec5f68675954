"""The channels between a worker and a script host: control socket, job socket, output pipe and crash report.

The zygote holds the far end of the control socket. It ends the host when the worker closes or shuts down its own end.
"""

import fcntl
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from foundation.linux import UnsupportedError

_REPORT_BYTES = 64 * 1024
_CONTROL_BYTES = 1024


class ControlSocket:
    """The worker's end of the control socket, on which the zygote says how the host's process fares."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.fileno, self.close = end.fileno, end.close

    def read(self) -> tuple[str, str, int] | None:
        """The next message: a word, what follows it, and a descriptor or -1. None if nothing has come yet.

        The words are `started` (process id, and a pidfd), `exited` (status) and `failed` (reason); the word is empty
        if the zygote has ended.
        """
        try:
            message, descriptors, _, _ = socket.recv_fds(self._end, _CONTROL_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return None
        except ConnectionError:
            message, descriptors = b"", []
        word, _, rest = message.decode().partition(" ")
        return word, rest, descriptors[0] if descriptors else -1

    def end_host(self) -> None:
        """Have the zygote kill the host with everything below it; it then says `exited`."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class WorkerEnds:
    """The worker's ends, none of which blocks. `report` is a file in memory that both sides have open."""

    control: ControlSocket
    job: socket.socket
    output: int
    report: int

    def close(self) -> None:
        """Let go of the host: the zygote ends it if it has not ended yet."""
        self.control.close()
        self.job.close()
        os.close(self.output)
        os.close(self.report)


def require_report_size() -> None:
    """Make sure that this process can create reports: the limit of file sizes (`ulimit -f`) covers files in memory.

    Raises UnsupportedError if the limit is too small and cannot be raised.
    """
    granted, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    if _has_room(granted):
        return
    if not _has_room(most):
        raise UnsupportedError(f"the limit of file sizes (ulimit -f) is below {_REPORT_BYTES // 1024} KB")
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _has_room(limit: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= _REPORT_BYTES


@contextmanager
def open_channels() -> Iterator[tuple[WorkerEnds, list[int]]]:
    """The worker's ends, and the far ones as descriptors to pass on: control socket, job socket, output pipe, report.

    The far ends are closed at the end of the block, the worker's only if it fails. Raises OSError.
    """
    with ExitStack() as on_failure, ExitStack() as always:
        sockets = []
        for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
            near, far = socket.socketpair(socket.AF_UNIX, kind)
            always.enter_context(far)
            on_failure.callback(near.close)
            near.setblocking(False)
            # During its shutdown, Celery gives new sockets a time-out, which would also make the far end non-blocking.
            far.setblocking(True)
            sockets.append((near, far))
        (control, far_control), (job, far_job) = sockets
        output, far_output = os.pipe2(os.O_CLOEXEC)
        always.callback(os.close, far_output)
        on_failure.callback(os.close, output)
        os.set_blocking(output, False)
        report = _memory_file()
        on_failure.callback(os.close, report)
        far_ends = [far_control.fileno(), far_job.fileno(), far_output, report]
        yield WorkerEnds(ControlSocket(control), job, output, report), far_ends
        on_failure.pop_all()


def _memory_file() -> int:
    """A file of a fixed size, so that a script that finds it cannot hoard memory there."""
    descriptor = os.memfd_create("crash report", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(descriptor, _REPORT_BYTES)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor
