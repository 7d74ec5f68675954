"""Where the launcher keeps its own files in the data directory."""

import sys
from dataclasses import dataclass
from pathlib import Path

from udapi_site import env
from udapi_site.datadir import DataDir

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """The launcher's paths below one data directory; nothing is created here."""

    data: DataDir

    @property
    def run_dir(self) -> Path:
        """What is of use only while the stack runs, mode 700."""
        return self.data.root / "run"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it runs."""
        return self.run_dir / "lock"

    @property
    def children_lock(self) -> Path:
        """Shared by what the supervisor started, as long as one of it runs."""
        return self.run_dir / "children.lock"

    @property
    def supervisor_config(self) -> Path:
        """Written anew at each start, mode 600."""
        return self.run_dir / "supervisord.conf"

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
