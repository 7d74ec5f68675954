"""The zygote with its keeper, seen from the worker."""

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
from hosts.allowances import PROJECT
from hosts.jobs import STATE_DIRECTORY
from hosts.reach import Reach

_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from hosts.zygote import main; main()"
READY_BYTES = 16
_READY_SECONDS = 20.0
_REQUEST_TIMEOUT_SECONDS = 5.0
_STOP_TIMEOUT_SECONDS = 5.0


class ZygoteProcess:
    """A running zygote. Not safe for threads: its owner locks."""

    def __init__(self, scratch_base: Path, user: str, state_dir: Path | None, reach: Reach) -> None:
        """Start it; scripts run as `user`, or as the worker does when that is empty. Raises OSError."""
        linux.require()
        channels.require_room()
        _require_user(user)
        self._requests, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_READY_SECONDS)
        with far_end:
            # Whatever time-out the worker gives its sockets.
            far_end.setblocking(True)
            self._process = _spawn(far_end.fileno(), scratch_base, user, state_dir, reach)
        try:
            if not self._requests.recv(READY_BYTES):
                raise ConnectionError("the process that starts scripts ended at once")
        except OSError:
            self.stop()
            raise
        self._requests.settimeout(_REQUEST_TIMEOUT_SECONDS)

    @property
    def pid(self) -> int:
        """The process id of its keeper."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether its keeper has not ended."""
        return self._process.poll() is None

    def request(self, memory_limit_mb: int, directory: str, descriptors: list[int]) -> None:
        """Have it start a host with these far ends, whose own `directory` is there. Raises OSError."""
        request = json.dumps({"memoryLimitMb": memory_limit_mb, "directory": directory}).encode()
        socket.send_fds(self._requests, [request], descriptors)

    def wake(self) -> None:
        """Have it go on if somebody has stopped it; else nothing."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it and with it every host; returns when it is gone."""
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
    requests: int, scratch_base: Path, user: str, state_dir: Path | None, reach: Reach
) -> subprocess.Popen[bytes]:
    # Without `site`, which executes what packages have put into `.pth` files: each host does that, confined.
    interpreter = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOTSTRAP]
    arguments = [str(PROJECT), str(requests), str(scratch_base), user, json.dumps(asdict(reach))]
    # A session of its own: a Ctrl-C or a signal to the worker's group must not end runs that are to be drained.
    return subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
        [*interpreter, *arguments],
        env={} if state_dir is None else {STATE_DIRECTORY: str(state_dir)},
        cwd="/",
        pass_fds=[requests],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
