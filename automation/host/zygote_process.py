"""The zygote, seen from the worker."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from automation.host.jobs import STATE_DIRECTORY

_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from automation.host.zygote import main; main()"
_PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
_REQUEST_TIMEOUT_SECONDS = 5.0
_STOP_TIMEOUT_SECONDS = 5.0


class ZygoteProcess:
    """A running zygote. Not safe for threads: its owner locks."""

    def __init__(self, scratch_base: Path, state_dir: Path | None = None) -> None:
        """Start it. Raises OSError when that is not possible."""
        self._requests, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_REQUEST_TIMEOUT_SECONDS)
        with far_end:
            self._process = _spawn(far_end.fileno(), scratch_base, state_dir)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def request(self, scratch: Path, descriptors: list[int]) -> None:
        """Have it start a run: leash, job socket, output pipe. Raises OSError when nobody is there to do it."""
        socket.send_fds(self._requests, [os.fsencode(scratch)], descriptors)

    def stop(self) -> None:
        """End it and with it every run; returns when it is gone."""
        self._requests.close()
        try:
            self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _spawn(descriptor: int, scratch_base: Path, state_dir: Path | None) -> subprocess.Popen[bytes]:
    interpreter = [sys.executable, "-I", "-X", "utf8", "-c", _BOOTSTRAP]
    # A session of its own: a Ctrl-C or a signal to the worker's group must not end runs that are to be drained.
    return subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
        [*interpreter, str(_PROJECT_ROOT), str(descriptor), str(scratch_base)],
        env={} if state_dir is None else {STATE_DIRECTORY: str(state_dir)},
        cwd="/",
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
