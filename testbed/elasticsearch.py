"""An Elasticsearch for the tests, shared by all test processes of this user. It stops when the last of them ends.

`python -m testbed.elasticsearch DIRECTORY ZIP` is its keeper: it starts the server, and stops it when no process holds
the lock in DIRECTORY any more.
"""

import base64
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import IO

import httpx

from testbed.stack import PYTHON, ROOT, free_port

ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:8.14.3:zip"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
SHA512 = (
    "8e238aa9dc08a4cf158b3fd615f29fef4bca01eb2ffd17403307d4267fcdfb8b"
    "05b07f56c3c6efa5eb7b897eb4aae38168c8165fe797556a8f40fae8853443a6"
)
HOW_TO_GET_IT = "install Java 17 or newer and Maven (Debian: default-jre-headless maven), or set ELASTICSEARCH_URL"
START_SECONDS = 240
USER = "udapi"
_UNPRIVILEGED = "nobody"

CONFIG = """
discovery.type: single-node
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
path.repo: {repo}
xpack.security.enabled: true
xpack.security.enrollment.enabled: false
xpack.security.transport.ssl.enabled: false
xpack.security.authc.api_key.enabled: true
cluster.routing.allocation.disk.threshold_enabled: false
"""
# A tenth of the memory that it takes by default.
JVM = "-Xms256m\n-Xmx512m\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n"


class MissingError(Exception):
    """There is no Elasticsearch and none can be fetched; the message says what to install."""


def fetched() -> Path:
    """The archive from the cache, or, the first time, from where Maven is configured to fetch artifacts.

    Raises:
        MissingError
    """
    if not (shutil.which("java") and shutil.which("mvn")):
        raise MissingError(HOW_TO_GET_IT)
    cache = Path(os.environ.get("TESTS_CACHE") or Path.home() / ".cache" / "user-defined-apis-tests")
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{SHA512[:16]}.zip"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _fetch(cache, archive)
    return archive


def _fetch(cache: Path, archive: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as directory:
        command = ["mvn", "-B", "-q", PLUGIN, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={directory}"]
        ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=600)
        found = list(Path(directory).glob("*.zip"))
        if ended.returncode != 0 or not found:
            raise MissingError(f"Maven cannot fetch Elasticsearch: {ended.stdout[-500:]}")
        if hashlib.sha512(found[0].read_bytes()).hexdigest() != SHA512:
            raise MissingError("The Elasticsearch that Maven fetched does not have the pinned checksum")
        found[0].replace(archive)


class Elasticsearch:
    """The shared server: the first test process that needs it starts it, and `stop` gives it up."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.gettempdir()) / f"udapi-tests-elasticsearch-{os.geteuid()}"
        self._directory.mkdir(mode=0o711, exist_ok=True)
        assert self._directory.stat().st_uid == os.geteuid(), self._directory
        archive = fetched()
        with (self._directory / "start.lock").open("w") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            self._use: IO[str] = (self._directory / "use.lock").open("w")
            # A keeper that is stopping its server holds this lock exclusively until it is done.
            fcntl.flock(self._use, fcntl.LOCK_SH)
            address = self._directory / "address.json"
            if not address.exists():
                self._start(archive, address)
            found = json.loads(address.read_text())
        self.url: str = found["url"]
        self.password: str = found["password"]
        self.repo: str = found["repo"]

    def _start(self, archive: Path, address: Path) -> None:
        log = (self._directory / "log").open("wb")
        command = [PYTHON, "-m", "testbed.elasticsearch", str(self._directory), str(archive)]
        keeper = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        deadline = time.monotonic() + START_SECONDS
        while not address.exists():
            assert keeper.poll() is None and time.monotonic() < deadline, (self._directory / "log").read_text()[-3000:]
            time.sleep(0.1)

    def stop(self) -> None:
        self._use.close()


def keep(directory: Path, archive: Path) -> None:
    """Start the server, write its address down, and stop it when no process uses it any more."""
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    home = _unpack(directory, archive)
    password = secrets.token_hex(16)
    port = free_port()
    _configure(home, port, password)
    if user:
        # Elasticsearch refuses to run as root.
        subprocess.run(["chown", "-R", user, str(home)], check=True)
    server = _launch(home, user)
    address = directory / "address.json"
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(server, url, password)
        made = directory / "address.json.new"
        made.write_text(json.dumps({"url": url, "password": password, "repo": str(home / "repo")}))
        made.chmod(0o600)
        made.rename(address)
        with (directory / "use.lock").open("w") as use:
            fcntl.flock(use, fcntl.LOCK_EX)
            address.unlink()
            _end(server)
    finally:
        _end(server)
        address.unlink(missing_ok=True)
        shutil.rmtree(home.parent, ignore_errors=True)


def _unpack(directory: Path, archive: Path) -> Path:
    for left in directory.glob("home-*"):
        shutil.rmtree(left, ignore_errors=True)
    target = Path(tempfile.mkdtemp(prefix="home-", dir=directory))
    target.chmod(0o711)
    with zipfile.ZipFile(archive) as content:
        content.extractall(target)
    (home,) = target.iterdir()
    for name in ("logs", "plugins", "repo"):
        (home / name).mkdir(exist_ok=True)
    (home / "bin" / "elasticsearch").chmod(0o755)
    return home


def _configure(home: Path, port: int, password: str) -> None:
    settings = CONFIG.format(http=port, transport=free_port(), repo=home / "repo")
    (home / "config" / "elasticsearch.yml").write_text(settings)
    (home / "config" / "jvm.options").write_text(JVM)
    (home / "config" / "users").write_text(f"{USER}:{_hashed(password)}\n")
    (home / "config" / "users_roles").write_text(f"superuser:{USER}\n")


def _hashed(password: str) -> str:
    """The hash in the format of the server's `users` file."""
    salt = secrets.token_bytes(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, 32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _launch(home: Path, user: str | None) -> subprocess.Popen[bytes]:
    told = subprocess.run(["java", "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True)
    java = next(line.split("=", 1)[1].strip() for line in told.stderr.splitlines() if "java.home" in line)
    environment = {"PATH": os.environ["PATH"], "ES_JAVA_HOME": java, "HOME": str(home)}
    group = pwd.getpwnam(user).pw_gid if user else None
    return subprocess.Popen(
        ["bash", "bin/elasticsearch"], cwd=home, env=environment, stdin=subprocess.DEVNULL,
        user=user, group=group, extra_groups=[] if user else None, start_new_session=True,
    )  # fmt: skip


def _wait(server: subprocess.Popen[bytes], url: str, password: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "Elasticsearch ended"
        try:
            answer = httpx.get(f"{url}/_cluster/health?wait_for_status=yellow", auth=(USER, password), timeout=10)
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    raise AssertionError("Elasticsearch does not answer")


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(10)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
