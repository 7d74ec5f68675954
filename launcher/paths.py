"""Where the launcher keeps its own files in the data directory."""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from foundation import env
from foundation.data_directory import DataDir

PROJECT = Path(__file__).resolve().parent.parent


class LauncherPaths:
    """The launcher's paths below one data directory; nothing is created here.

    A further worker node has files of its own beside the stack's; their names end with `suffix`.
    """

    def __init__(self, data: DataDir, suffix: str = "") -> None:
        self.data, self.suffix = data, suffix
        # Of use only while the stack runs; mode 700.
        self.run_dir = data.root / "run"
        # The supervisor holds the first one, and all that it started share the second.
        self.lock = self.run_dir / f"lock{suffix}"
        self.children_lock = self.run_dir / f"children{suffix}.lock"
        self.supervisor_config = self.run_dir / f"supervisord{suffix}.conf"
        self.supervisor_pid = self.run_dir / f"supervisord{suffix}.pid"
        # Written at each start with mode 600, as it holds the password.
        self.redis_config = data.redis_dir / "redis.conf"
        # Secrets of the first start that no terminal has shown yet; files of mode 600.
        self.first_start_dir = data.root / "first-start"
        self.admin_password = self.first_start_dir / "admin-password"
        self.demo_secret = self.first_start_dir / "demo-secret"

    def nodes(self) -> Iterator["LauncherPaths"]:
        """The paths of further worker nodes on this data directory."""
        return (LauncherPaths(self.data, f"-{number}") for number in count(2))


def from_environment() -> LauncherPaths:
    """The paths of this start, before Django's settings can be read.

    Raises:
        ImproperlyConfigured: `UDAPI_DATA_DIR_FILE` cannot be read.
    """
    return LauncherPaths(DataDir(Path(env.text("UDAPI_DATA_DIR", str(PROJECT / "var"))).resolve()))


def python(*arguments: str) -> list[str]:
    """The command that runs `arguments` with the Python of this process."""
    return [sys.executable, *arguments]
