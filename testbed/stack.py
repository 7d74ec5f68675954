"""The real stack for tests: Redis, worker nodes and gunicorn as processes of their own, on free loopback ports."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import redis
from django.conf import settings

from broker.client import meet
from foundation.data_directory import DataDir
from launcher import redis_server
from launcher.paths import LauncherPaths
from testbed.data_dir import INSTALLATION, make_data_dir

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
START_SECONDS = 60.0
WEB_WORKERS = 2

# The ports are divided among the test processes that run at the same time.
_SHARES = 8


def free_port() -> int:
    """A loopback port that nothing listens on, from this test process's own share of the ports."""
    share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        # Linux hands out only every other port.
        if port // 2 % _SHARES == share:
            return port


def wait_until(condition, seconds: float = START_SECONDS, what: str = "") -> None:
    """Wait until `condition()` is true, and fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what or condition}"
        time.sleep(0.05)


class Web:
    """One gunicorn that serves the product below `root`, once all of its worker processes are there."""

    def __init__(self, environment: dict[str, str], log: Path, root: Path = ROOT) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [PYTHON, "-m", "gunicorn", "-c", "python:web.gunicorn_conf", "udapi_site.wsgi"]
        own = {"UDAPI_WEB_WORKERS": str(WEB_WORKERS)} | environment | {"UDAPI_PORT": str(self.port)}
        self.process = _start(command, own, log, root)
        limits = httpx.Limits(max_connections=1_000)
        self.client = httpx.Client(base_url=self.url, timeout=120, limits=limits)
        try:
            wait_until(self._answers, what=f"gunicorn, see {log}")
            # gunicorn forks them one after the other, and the first one answers at once.
            wait_until(lambda: len(self.workers()) >= int(own["UDAPI_WEB_WORKERS"]), what=f"its workers, see {log}")
        except BaseException:
            self.stop()
            raise

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        return psutil.Process(self.process.pid).children()

    def _answers(self) -> bool:
        assert self.process.poll() is None, "gunicorn ended"
        try:
            return self.client.get("/api/custom").status_code == 400
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.client.close()
        _stop(self.process)


class Machine:
    """A Redis below `data_dir`, and the Celery programs that a test starts; all of them get `environment`."""

    def __init__(self, data_dir: Path, environment: dict[str, str] | None = None) -> None:
        self.data = DataDir(data_dir)
        self.log = data_dir / "processes.log"
        # The launcher sets CELERY_SKIP_CHECKS, too: it checks the settings itself.
        own = {"UDAPI_DATA_DIR": str(data_dir), "CELERY_SKIP_CHECKS": "1", "UDAPI_INSTALLATION": INSTALLATION}
        # Packages never come from the internet.
        own["UDAPI_WHEELHOUSE"] = str(settings.UDAPI_WHEELHOUSE or data_dir / "wheelhouse")
        self.environment = own | (environment or {})
        self._started: list[subprocess.Popen[bytes]] = []
        redis_server.configure(LauncherPaths(self.data))
        self.redis = self.start_redis()

    @property
    def prefix(self) -> str:
        """The prefix of the installation's names in Redis."""
        return f"udapi:{self.environment['UDAPI_INSTALLATION']}:"

    @property
    def state_dir(self) -> Path:
        """The directory below which scripts keep files between runs."""
        return Path(self.environment.get("UDAPI_STATE_DIR", self.data.state_dir))

    def start_redis(self) -> subprocess.Popen[bytes]:
        """Start the embedded Redis and wait until it answers."""
        process = self._start_redis(LauncherPaths(self.data).redis_config)
        wait_until(self._redis_answers, what="Redis")
        return process

    def start_replica(self, port: int) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a second Redis as a replica of the one at the loopback `port`; returns its process and its socket."""
        config, own = LauncherPaths(self.data).redis_config, self.data.redis_socket.with_name("replica.sock")
        file = config.with_name("replica.conf")
        file.touch(mode=0o600)
        lines = (f'unixsocket "{own}"', f"replicaof 127.0.0.1 {port}", f"masterauth {self._redis_password()}")
        file.write_text("\n".join([config.read_text(), *lines, ""]))
        return self._start_redis(file), own

    def start_background(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a background program. It needs a few seconds until it is ready."""
        return self._start_celery("udapi.background", "background", environment)

    def celery(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `celery -A udapi_site …` to its end."""
        command = [PYTHON, "-m", "celery", "-A", "udapi_site", *words]
        return subprocess.run(command, cwd=ROOT, env=_environment(self.environment), capture_output=True, text=True)

    def stop_redis(self) -> None:
        """End Redis; `start_redis` starts it again, empty."""
        _stop(self.redis)

    def redis_client(self, database: int = 0, socket: Path | None = None) -> Any:
        """A client of this machine's Redis, or of the Redis that listens on `socket`."""
        # The product's code needs to know the server of a connection. `meet` learns it, and needs Django's settings.
        options: dict[str, Any] = {"redis_connect_func": meet} if settings.configured else {}
        path = str(socket or self.data.redis_socket)
        return redis.Redis(db=database, password=self._redis_password(), unix_socket_path=path, **options)

    def log_text(self, name: str) -> str:
        """What `endpoint.log`, `refused.log` or `manager.log` contains so far."""
        file = self.data.log_dir / name
        return file.read_text() if file.exists() else ""

    def end(self) -> None:
        """End all processes that were started here, Redis last."""
        others = [each for each in self._started if each is not self.redis]
        for process in others:
            process.terminate()
        for process in others:
            _stop(process)
        # A Redis of another machine is left alone.
        if self.redis in self._started:
            _stop(self.redis)

    def _redis_password(self) -> str:
        return self.data.redis_password_file.read_text().strip()

    def _start_redis(self, config: Path) -> subprocess.Popen[bytes]:
        return self._start([str(redis_server.find().program), str(config)], redis_server.ENVIRONMENT)

    def _start_celery(
        self, queue: str, name: str, environment: dict[str, str], root: Path = ROOT
    ) -> subprocess.Popen[bytes]:
        command = [PYTHON, "-m", "udapi_site.celery_program", queue, f"{name}-{free_port()}"]
        return self._start(command, self.environment | environment, root)

    def _start(self, command: list[str], environment: dict[str, str], root: Path = ROOT) -> subprocess.Popen[bytes]:
        self._started.append(_start(command, environment, self.log, root))
        return self._started[-1]

    def _redis_answers(self) -> bool:
        try:
            with self.redis_client() as client:
                return bool(client.ping())
        except (OSError, redis.ConnectionError):
            return False


class Stack(Machine):
    """Redis, one worker node and gunicorn below `data_dir`; all of them get `environment`."""

    def __init__(self, data_dir: Path, environment: dict[str, str] | None = None) -> None:
        super().__init__(data_dir, environment)
        try:
            self.worker = self.start_worker()
            self.web = Web(self.environment, self.log)
            self._started.append(self.web.process)
            wait_until(lambda: self.nodes() >= 1, what="a worker node")
        except BaseException:
            print(self.log.read_text())
            self.end()
            raise
        self.client = self.web.client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of gunicorn."""
        return self.web.url

    def start_worker(self, root: Path = ROOT, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker node of the product below `root`."""
        return self._start_celery("udapi.triggers", "test", environment, root)

    @contextmanager
    def another_worker(self, root: Path = ROOT, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """One more worker node, of the product below `root`."""
        before = self.nodes()
        process = self.start_worker(root, **environment)
        try:
            wait_until(lambda: self.nodes() > before, what="another worker")
            yield process
        finally:
            _stop(process)

    @contextmanager
    def another_web(self, root: Path = ROOT, **environment: str) -> Iterator[Web]:
        """One more gunicorn for the same fleet, with settings of its own."""
        web = Web(self.environment | environment, self.log, root)
        try:
            yield web
        finally:
            web.stop()

    def stop_worker(self) -> None:
        _stop(self.worker)

    def mend(self) -> None:
        """Start what has ended again, and wait until there is exactly one worker node."""
        if not _lives(self.redis):
            self.redis = self.start_redis()
        if not _lives(self.worker):
            # A killed node counts until its heartbeat expires.
            wait_until(lambda: self.nodes() == 0, what="the end of a heartbeat")
            self.worker = self.start_worker()
        wait_until(lambda: self.nodes() == 1, what="one worker node")

    def nodes(self) -> int:
        """How many worker nodes have a valid heartbeat."""
        with self.redis_client() as client:
            now = client.time()[0] * 1000
            return int(client.zcount(f"{self.prefix}nodes", now, "+inf"))

    def stop(self) -> None:
        """End everything, and fail if a process is left."""
        family = [psutil.Process(each.pid) for each in self._started if _lives(each)]
        everything = [process for parent in family for process in (parent, *parent.children(recursive=True))]
        self.client.close()
        self.end()
        _, left = psutil.wait_procs(everything, timeout=60)
        assert not left, f"still running: {left}"


def own_data_dir(path: Path, database_url: str) -> tuple[Path, dict[str, str]]:
    """A data directory for a second stack with the secrets and the database of the tests, and its environment."""
    made = make_data_dir(path)
    shared: DataDir = settings.DATA_DIR
    for name in ("secret_key", "secret_peppers"):
        (made / name).write_text((shared.root / name).read_text())
    return made, {"DATABASE_URL": database_url}


def _start(command: list[str], environment: dict[str, str], log: Path, root: Path = ROOT) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, cwd=root, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=_environment(environment),
        )  # fmt: skip


def _environment(own: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | own


def _stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _lives(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None
