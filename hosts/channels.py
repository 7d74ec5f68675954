"""The channels between a worker and a script host: leash, job socket, output pipe, and the report of a crash."""

import fcntl
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from foundation.linux import UnsupportedError

_REPORT_BYTES = 64 * 1024


@dataclass(frozen=True)
class WorkerEnds:
    """The worker's ends; none of them blocks. `report` is a file in memory that both sides have."""

    leash: socket.socket
    job: socket.socket
    output: int
    report: int

    def close(self) -> None:
        """Let go of the host: the zygote ends it if it has not ended yet."""
        self.leash.close()
        self.job.close()
        os.close(self.output)
        os.close(self.report)


def require_room() -> None:
    """Let this process make reports: the limit of file sizes (`ulimit -f`) holds for files in memory, too.

    Raises UnsupportedError where it is too small and cannot be raised.
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
    """The worker's ends, and the far ones as descriptors to pass on: leash, job socket, output pipe, report.

    The far ends are closed at the end of the block, the worker's only if it fails. Raises OSError.
    """
    with ExitStack() as on_failure, ExitStack() as always:
        leash, far_leash = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        always.enter_context(far_leash)
        on_failure.callback(leash.close)
        job, far_job = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        always.enter_context(far_job)
        on_failure.callback(job.close)
        output, far_output = os.pipe2(os.O_CLOEXEC)
        always.callback(os.close, far_output)
        on_failure.callback(os.close, output)
        report = _memory_file()
        on_failure.callback(os.close, report)
        leash.setblocking(False)
        job.setblocking(False)
        # Celery's shutdown gives new sockets a time-out, and with it a far end that nobody could wait at.
        far_leash.setblocking(True)
        far_job.setblocking(True)
        os.set_blocking(output, False)
        yield WorkerEnds(leash, job, output, report), [far_leash.fileno(), far_job.fileno(), far_output, report]
        on_failure.pop_all()


def _memory_file() -> int:
    """A file of a fixed size: a script that finds it cannot hoard memory there."""
    descriptor = os.memfd_create("crash report", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(descriptor, _REPORT_BYTES)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor
