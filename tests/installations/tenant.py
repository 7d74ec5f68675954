"""Installations that share a Redis. The user of each may only use names with the prefix of its id."""

import os
import subprocess
from pathlib import Path
from typing import Any

from testbed.stack import PYTHON, ROOT, Machine, Stack

PASSWORD = "the-password-of-the-tenants"
# As docs/operations/installations.md has them.
MAY = ("+@all", "-@admin", "-@dangerous", "+info", "+config|get")


def _channels(prefix: str) -> list[str]:
    """Redis compares the pattern of a subscription literally, so each needs a rule of its own."""
    return [f"&{prefix}*", f"&{prefix}/0.celery.pidbox", f"&{prefix}/0.celeryev/*"]


class Tenant(Stack):
    """A stack without a Redis of its own: it uses that of `host`."""

    def __init__(self, host: Machine, data_dir: Path, environment: dict[str, str], name: str) -> None:
        self.host = host
        prefix = f"udapi:{name}:"
        with host.redis_client() as redis:
            redis.execute_command("ACL", "SETUSER", name, "on", f">{PASSWORD}", f"~{prefix}*", *_channels(prefix), *MAY)
        url = f"unix://{name}:{PASSWORD}@{host.data.redis_socket}"
        super().__init__(data_dir, environment | {"UDAPI_INSTALLATION": name, "REDIS_URL": url})

    def start_redis(self) -> subprocess.Popen[bytes]:
        """Do nothing: it runs already."""
        return self.host.redis

    def redis_client(self, database: int = 0, socket: Path | None = None) -> Any:
        """A client that may do everything."""
        return self.host.redis_client(database, socket)

    def reconnect(self) -> None:
        """Cut all connections to Redis."""
        with self.redis_client() as redis:
            redis.execute_command("CLIENT", "KILL", "USER", self.environment["UDAPI_INSTALLATION"])

    def watch_events(self) -> subprocess.Popen[bytes]:
        """Start Celery's command that prints all events; its output goes to the log."""
        return self._start([PYTHON, "-u", "-m", "celery", "-A", "udapi_site", "events", "--dump"], self.environment)

    def run(self, words: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """The output of a Python program."""
        command = [PYTHON, *words]
        variables = {"PATH": os.environ["PATH"]} | environment
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
