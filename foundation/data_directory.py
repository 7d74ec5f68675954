"""Where things lie in the data directory (`UDAPI_DATA_DIR`)."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

# The kernel keeps the path of a Unix socket in 108 bytes, the closing NUL included.
LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True)
class DataDir:
    """The paths below one data directory; nothing is created here."""

    root: Path

    @property
    def secret_key_file(self) -> Path:
        """Django's secret key, mode 600."""
        return self.root / "secret_key"

    @property
    def peppers_file(self) -> Path:
        """The peppers in the form of `UDAPI_SECRET_PEPPERS`, mode 600."""
        return self.root / "secret_peppers"

    @property
    def database_file(self) -> Path:
        """The embedded SQLite database."""
        return self.root / "db.sqlite3"

    @property
    def log_dir(self) -> Path:
        """Where logs go unless `UDAPI_LOG_DIR` says otherwise."""
        return self.root / "logs"

    @property
    def state_dir(self) -> Path:
        """Where scripts keep what outlives a run, unless `UDAPI_STATE_DIR` says otherwise; mode 700."""
        return self.root / "state"

    @property
    def log_ins_dir(self) -> Path:
        """One file for each password that may be checked at once, locked while it is; mode 700."""
        return self.root / "log-ins"

    @property
    def nodes_dir(self) -> Path:
        """One file a worker node of this machine, holding its id."""
        return self.root / "nodes"

    @property
    def streams_dir(self) -> Path:
        """The locks of live streams, by user; mode 700."""
        return self.root / "streams"

    @property
    def redis_dir(self) -> Path:
        """Configuration and snapshots of the embedded Redis, mode 700."""
        return self.root / "redis"

    @property
    def redis_password_file(self) -> Path:
        """The password of the embedded Redis, mode 600."""
        return self.redis_dir / "password"

    @property
    def redis_socket(self) -> Path:
        """The socket of the embedded Redis; outside the data directory where its path would be too long."""
        socket = self.redis_dir / "redis.sock"
        if len(bytes(socket)) <= LONGEST_SOCKET_PATH:
            return socket
        digest = hashlib.sha256(bytes(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"udapi-{digest}" / "redis.sock"
