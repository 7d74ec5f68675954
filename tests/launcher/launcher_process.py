"""A real launcher in a directory and on a port of its own, with or without a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import redis

from testbed.stack import free_port, wait_until

PROJECT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
END_SECONDS = 60


def environment(data_dir: Path, port: int, **settings: str) -> dict[str, str]:
    """Nothing of this process' own environment, so that a test stands for a fresh machine."""
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(data_dir.parent),
        "UDAPI_DATA_DIR": str(data_dir),
        "UDAPI_PORT": str(port),
        "UDAPI_PUBLIC_URL": f"http://localhost:{port}",
        "UDAPI_TRIGGER_TIMEOUT_SECONDS": "20",
    }
    return own | settings


def refused(data_dir: Path, port: int = 1, **settings: str) -> str:
    """The last line of a start that must fail."""
    ended = subprocess.run(
        [sys.executable, "-m", "launcher"],
        cwd=PROJECT,
        env=environment(data_dir, port, **settings),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stdout.splitlines()[-1]


def command_line(process: psutil.Process) -> str:
    """Empty when it ends at this moment."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


_callers = ThreadPoolExecutor(2)
_PUBLISH = """
from objects.changes import save_checked
from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from tokens.models import ApiToken

script = save_checked(AutomationScript(name={name!r}, source={source!r}), by="test")
save_definition(ApiDefinition(route={name!r}, script=script), by="test", allowed_tokens=ApiToken.objects.all())
"""
_SLOW = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    time.sleep(float(request.query_parameters.get("seconds", "0")))
    return ApiTriggerOutput()
"""


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  to the launcher's own port
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Launcher:
    """A started launcher: what it printed, its processes, and its end."""

    def __init__(
        self,
        data_dir: Path,
        *,
        terminal: bool = False,
        port: int | None = None,
        command: str = "",
        python: str = sys.executable,
        **settings: str,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.settings = environment(data_dir, self.port, **settings)
        self.output = ""
        self._is_hung_up = False
        self.began = time.monotonic()
        self._start([python, "-m", "launcher", *command.split()], terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _start(self, command: list[str], terminal: bool) -> None:
        if not terminal:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=self.settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            assert self.process.stdout is not None
            self._output_fd = self.process.stdout.fileno()
            return
        # `script` of a shell: a session of its own whose controlling terminal is the pty.
        self._output_fd, slave = pty.openpty()
        become = (
            "import os, sys, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", become, *command],
            cwd=PROJECT,
            env=self.settings,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def _read(self) -> None:
        try:
            while not self._is_hung_up:
                # A waiting read would keep the terminal open.
                if select.select([self._output_fd], [], [], 0.1)[0]:
                    if not (chunk := os.read(self._output_fd, 4_096)):
                        return
                    self.output += chunk.decode().replace("\r\n", "\n")
        except OSError:
            return  # A terminal ends with an error once nobody has it open.
        os.close(self._output_fd)

    def wait_until_printed(self, text: str, seconds: float = START_SECONDS) -> None:
        ends = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < ends, f"{text!r} was not printed:\n{self.output}"
            assert self.process.poll() is None, f"it ended:\n{self.output}"
            time.sleep(0.05)

    def wait_until_ready(self) -> "Launcher":
        self.wait_until_printed("Ctrl-C ends it.\n")
        return self

    def redis_socket(self) -> Path:
        """Where the embedded Redis listens."""
        config = (self.data_dir / "redis" / "redis.conf").read_text()
        line = next(line for line in config.splitlines() if line.startswith("unixsocket "))
        return Path(line.split('"')[1])

    def redis_url(self, database: int) -> str:
        """The address of one of the databases of the embedded Redis."""
        password = (self.data_dir / "redis" / "password").read_text().strip()
        socket = str(self.redis_socket()).replace("%", "%25").replace(" ", "%20")
        return f"unix://:{password}@{socket}?db={database}"

    def printed_curl(self) -> str:
        return str(re.findall(r"^ *(curl .*)$", self.output, re.MULTILINE)[-1])

    def call(self, **variables: str) -> tuple[int, str]:
        """Paste the printed `curl` line into a shell; the status and the body."""
        line = self.printed_curl().replace("curl", "curl --silent --max-time 15 --write-out '\\n%{http_code}'", 1)
        shell = {"PATH": os.environ["PATH"], **variables}
        ended = subprocess.run(["sh", "-c", line], env=shell, capture_output=True, text=True)
        body, _, status = ended.stdout.rpartition("\n")
        return int(status), body

    def wait_until_answered(self, seconds: float = 40, **variables: str) -> None:
        ends = time.monotonic() + seconds
        while (answer := self.call(**variables))[0] != 200:
            assert time.monotonic() < ends, answer
            time.sleep(0.2)

    def wait_until_it_runs(self) -> None:
        """Wait until a node has begun a trigger."""
        with redis.Redis.from_url(self.redis_url(0)) as client:
            wait_until(lambda: client.keys("udapi:*:run:*"), what="a running script")

    def publish_slow(self) -> None:
        """An API under `slow` that answers after the seconds in its query string, for the demo's token."""
        self.publish("slow", _SLOW)

    def publish(self, name: str, source: str) -> None:
        """An API under `name` for the demo's token."""
        subprocess.run(
            [sys.executable, "manage.py", "shell"],
            cwd=PROJECT,
            env=self.settings,
            input=_PUBLISH.format(name=name, source=source),
            text=True,
            check=True,
        )

    def call_slow(self, seconds: float, token: str) -> "Future[int]":
        """Call it in the background; the future is the status, 0 when there was no answer."""
        url = f"http://127.0.0.1:{self.port}/api/custom/slow?seconds={seconds}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        return _callers.submit(_status, request)

    def processes(self) -> list[psutil.Process]:
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def program(self, name: str) -> psutil.Process:
        """The supervised process whose command line names `name`. One that a test has killed is about to come back."""
        ends = time.monotonic() + END_SECONDS
        while time.monotonic() < ends:
            if found := [child for child in self.programs() if name in command_line(child)]:
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"{name} does not run")

    def programs(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal; assert that nothing is left."""
        everything = self.processes()
        self.process.send_signal(how)
        self.assert_ended(everything)

    def assert_ended(self, processes: list[psutil.Process]) -> None:
        self.process.wait(END_SECONDS)
        _, left = psutil.wait_procs(processes, timeout=END_SECONDS)
        assert not left
        self._reader.join(END_SECONDS)

    def press_ctrl_c(self) -> None:
        os.write(self._output_fd, b"\x03")

    def hang_up(self) -> None:
        self._is_hung_up = True

    def kill_rest(self) -> None:
        """Kill what a failed test has left."""
        if self.process.poll() is None:
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
