"""Redis servers with options of their own, on Unix sockets, started for a test."""

import subprocess
from pathlib import Path

from launcher import redis_server
from testbed.stack import free_port, wait_until

NOT_SAVING = ("--save", "")


def in_a_cluster() -> tuple[str, ...]:
    """The options of a server that is one of a Redis Cluster."""
    return (*NOT_SAVING, "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", str(free_port()))


class Servers:
    """Starts servers in `directory`, and ends them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *options: str) -> str:
        """Start a server with `options`; returns its REDIS_URL."""
        socket = self._directory / f"redis-{len(self._started)}"
        where = ["--port", "0", "--unixsocket", str(socket), "--dir", str(self._directory)]
        command = [str(redis_server.find().program), *where, *options]
        self._started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        wait_until(socket.exists, what="the server's socket")
        return f"unix://{socket}"

    def end(self) -> None:
        """End all."""
        for each in self._started:
            each.kill()
            each.wait()
