"""Where the launcher keeps its own files in the data directory."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from foundation import env
from foundation.data_directory import DataDir

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """The launcher's paths below one data directory; nothing is created here.

    One more worker node has files of its own beside the stack's: `suffix` is what their names end with.
    """

    data: DataDir
    suffix: str = ""

    def nodes(self) -> Iterator["Places"]:
        """The places of further worker nodes on this data directory."""
        return (replace(self, suffix=f"-{number}") for number in count(2))

    @property
    def run_dir(self) -> Path:
        """What is of use only while the stack runs, mode 700."""
        return self.data.root / "run"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it runs."""
        return self.run_dir / f"lock{self.suffix}"

    @property
    def children_lock(self) -> Path:
        """Shared by what the supervisor started, as long as one of it runs."""
        return self.run_dir / f"children{self.suffix}.lock"

    @property
    def supervisor_config(self) -> Path:
        """Written anew at each start, mode 600."""
        return self.run_dir / f"supervisord{self.suffix}.conf"

    @property
    def supervisor_pid(self) -> Path:
        """The process id of the supervisor that runs."""
        return self.run_dir / f"supervisord{self.suffix}.pid"

    @property
    def redis_config(self) -> Path:
        """Written anew at each start, mode 600: it holds the password."""
        return self.data.redis_dir / "redis.conf"

    @property
    def first_start_dir(self) -> Path:
        """Secrets of the first start that no terminal has shown yet, mode 700."""
        return self.data.root / "first-start"

    @property
    def admin_password(self) -> Path:
        """The generated password of the first administrator, mode 600."""
        return self.first_start_dir / "admin-password"

    @property
    def demo_secret(self) -> Path:
        """The secret of the demo's token, mode 600."""
        return self.first_start_dir / "demo-secret"


def from_environment() -> Places:
    """The places of this start, before Django's settings can be read.

    Raises:
        ImproperlyConfigured: `UDAPI_DATA_DIR_FILE` cannot be read.
    """
    return Places(DataDir(Path(env.text("UDAPI_DATA_DIR", str(PROJECT / "var"))).resolve()))


def python(*arguments: str) -> list[str]:
    """The command that runs `arguments` with the Python of this process."""
    return [sys.executable, *arguments]
