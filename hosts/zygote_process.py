"""The zygote with its keeper, as the worker sees them."""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from foundation import linux
from hosts import channels
from hosts.jobs import STATE_DIRECTORY
from hosts.landlock import ReachablePaths
from hosts.reachable_paths import PROJECT

_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from hosts.zygote import main; main()"
READY_BYTES = 16
_READY_SECONDS = 20.0
_REQUEST_TIMEOUT_SECONDS = 5.0
_STOP_TIMEOUT_SECONDS = 5.0


class ZygoteProcess:
    """A running zygote. Not safe for threads: its owner locks it."""

    def __init__(self, scratch_base: Path, user: str, state_dir: Path | None, paths: ReachablePaths) -> None:
        """Start it. Scripts run as `user`, or as the worker does if that is empty. Raises OSError."""
        linux.require()
        channels.require_report_size()
        _require_user(user)
        self._requests, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_READY_SECONDS)
        with far_end:
            # During its shutdown, Celery gives new sockets a time-out, which would make this end non-blocking.
            far_end.setblocking(True)
            self._process = _spawn(far_end.fileno(), scratch_base, user, state_dir, paths)
        try:
            if not self._requests.recv(READY_BYTES):
                raise ConnectionError("the process that starts scripts ended at once")
        except OSError:
            self.stop()
            raise
        self._requests.settimeout(_REQUEST_TIMEOUT_SECONDS)

    @property
    def pid(self) -> int:
        """The process id of the keeper."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the keeper has not ended."""
        return self._process.poll() is None

    def request(self, memory_limit_mb: int, directory: str, environment: str, descriptors: list[int]) -> None:
        """Have it start a host with these far ends and an existing `directory` of its own. Raises OSError.

        `environment` is the directory with the packages of its script, or empty.
        """
        wanted = {"memoryLimitMb": memory_limit_mb, "directory": directory, "environment": environment}
        request = json.dumps(wanted).encode()
        socket.send_fds(self._requests, [request], descriptors)

    def wake(self) -> None:
        """Let it continue if it was stopped (SIGSTOP)."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it with every host; returns when it is gone."""
        self._requests.close()
        self.wake()
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _require_user(user: str) -> None:
    if not user:
        return
    if os.geteuid() != 0:
        raise PermissionError(f"only a worker that runs as root can run scripts as {user}")
    try:
        pwd.getpwnam(user)
    except KeyError as error:
        raise FileNotFoundError(f"there is no user {user} to run scripts as") from error


def _spawn(
    requests: int, scratch_base: Path, user: str, state_dir: Path | None, paths: ReachablePaths
) -> subprocess.Popen[bytes]:
    # Without `site`, which executes the `.pth` files of packages: each host does that, confined.
    interpreter = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOTSTRAP]
    arguments = [str(PROJECT), str(requests), str(scratch_base), user, json.dumps(asdict(paths))]
    # A session of its own: a Ctrl-C or a signal to the worker's group must not end runs before they are drained.
    return subprocess.Popen(  # noqa: S603  no argument comes from a caller
        [*interpreter, *arguments],
        env={} if state_dir is None else {STATE_DIRECTORY: str(state_dir)},
        cwd="/",
        pass_fds=[requests],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
