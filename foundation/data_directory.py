"""Where things lie in the data directory (`UDAPI_DATA_DIR`)."""

import hashlib
import tempfile
from pathlib import Path

# The kernel keeps the path of a Unix socket in 108 bytes, including the closing NUL.
LONGEST_SOCKET_PATH = 107


class DataDir:
    """The paths below one data directory; nothing is created here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Files of mode 600: Django's key, the peppers as in UDAPI_SECRET_PEPPERS, the keys as in UDAPI_CREDENTIAL_KEYS,
        # the password of the embedded Redis.
        self.secret_key_file = root / "secret_key"
        self.peppers_file = root / "secret_peppers"
        self.credential_keys_file = root / "credential_keys"
        self.redis_password_file = root / "redis" / "password"
        self.database_file = root / "db.sqlite3"
        # Unless UDAPI_LOG_DIR and UDAPI_STATE_DIR name others.
        self.log_dir = root / "logs"
        self.state_dir = root / "state"
        # One file for each log-in slot, locked while a password is checked.
        self.log_ins_dir = root / "log-ins"
        # One file for each worker node of this machine, with its id.
        self.nodes_dir = root / "nodes"
        # The installed packages of scripts, one directory for each lock, unless UDAPI_ENVIRONMENTS_DIR names another.
        self.environments_dir = root / "environments"
        # The locks of live streams, by user.
        self.streams_dir = root / "streams"
        self.redis_dir = root / "redis"
        self.redis_socket = self.redis_dir / "redis.sock"
        if len(bytes(self.redis_socket)) > LONGEST_SOCKET_PATH:
            digest = hashlib.sha256(bytes(root)).hexdigest()[:16]
            self.redis_socket = Path(tempfile.gettempdir()) / f"udapi-{digest}" / "redis.sock"
