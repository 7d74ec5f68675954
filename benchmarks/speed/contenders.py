"""Our stack and the alternatives that it is compared with, started side by side."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from launcher import redis_server
from testbed.stack import ROOT, Stack, free_port, wait_until

BODY = "x" * 100
WEB_WORKERS, WEB_THREADS = 2, 256
TOKENS = 64
"""The number of tokens that call the API with a rate limit: each may call at most 100 times a second."""


@dataclass
class Contender:
    """A server that echoes the body, its URL, and its processes."""

    name: str
    url: str
    programs: dict[str, int]
    """Name → process id; its children count, too."""
    headers: list[dict[str, str]] = field(default_factory=lambda: [{}])
    """The headers of each caller; callers take turns."""


class Rivals:
    """The processes of the alternatives, with a Redis of their own."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory, self._stack = directory, stack
        port = free_port()
        server = str(redis_server.find().program)
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
        self.environment = {
            "PATH": os.environ["PATH"],
            "BENCHMARK_REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "DJANGO_SETTINGS_MODULE": "benchmarks.speed.rivals.settings",
        }
        self.redis = self.start([server, *options])

    def start(self, command: list[str], **environment: str) -> int:
        """Start a program that ends with the benchmark; returns its process id."""
        with (self.directory / "rivals.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment | environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._stack.callback(_end, process)
        return process.pid

    def gunicorn(self, application: str, **environment: str) -> tuple[str, int]:
        """Serve an application with the settings of our own server; returns its URL and process id."""
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
        command += ["--workers", str(WEB_WORKERS), "--threads", str(WEB_THREADS), "--preload", "--keep-alive", "75"]
        command += ["--no-control-socket", application]
        return f"http://127.0.0.1:{port}", self.start(command, **environment)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.terminate()
    psutil.wait_procs(family, timeout=10)
    process.wait(20)


def ours(stack: Stack, published: dict[str, str], name: str, secrets: list[str]) -> Contender:
    """Our product; each caller has one of the `secrets`."""
    return Contender(
        name,
        stack.url + published["path"],
        {"gunicorn": stack.web.process.pid, "worker": stack.worker.pid, "Redis": stack.redis.pid},
        [{"Authorization": f"Bearer {secret}"} for secret in secrets],
    )


@contextmanager
def rivals(directory: Path, stack: Stack, path: str, secret: str) -> Iterator[list[Contender]]:
    """The floor, the limit, both baselines, and the peers that are installed on this machine."""
    with ExitStack() as exits:
        made = Rivals(directory, exits)
        plain = "benchmarks.speed.rivals.plain"
        celery = [sys.executable, "-m", "celery", "-A", f"{plain}:celery_app", "worker", "--loglevel", "warning"]
        worker = made.start(celery)
        loop = made.start([sys.executable, "-m", "benchmarks.speed.rivals.loop"])
        dramatiq = made.start(
            [sys.executable, "-m", "dramatiq", plain, "--processes", "2", "--threads", "4", "--path", str(ROOT)]
        )
        url, web = made.gunicorn(f"{plain}:application")
        settings = stack.environment | {"DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
        admitting = made.gunicorn("benchmarks.speed.rivals.admission:application", **settings)
        bearer = [{"Authorization": f"Bearer {secret}"}]
        contenders = [
            Contender("floor", f"{url}/floor", {"gunicorn": web}),
            Contender("limit", f"{url}/limit", {"gunicorn": web, "loop": loop, "Redis": made.redis}),
            Contender("baseline", f"{url}/baseline", {"gunicorn": web, "worker": worker, "Redis": made.redis}),
            Contender(
                "baseline with admission",
                admitting[0] + path,
                {"gunicorn": admitting[1], "worker": worker, "Redis": made.redis},
                bearer,
            ),
            Contender("Dramatiq", f"{url}/dramatiq", {"gunicorn": web, "worker": dramatiq, "Redis": made.redis}),
            *_webhook(made),
            *_node_red(made),
        ]
        for contender in contenders:
            _wait_for(contender)
        yield contenders


def _wait_for(contender: Contender) -> None:
    def answers() -> bool:
        try:
            return httpx.post(contender.url, content=BODY, headers=contender.headers[0], timeout=30).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers, what=contender.name)


def _webhook(made: Rivals) -> list[Contender]:
    """Debian's `webhook`, which starts a small Python script for each call."""
    program = shutil.which("webhook")
    if program is None:
        return []
    script = str(Path(__file__).parent / "rivals" / "echo.py")
    hook = {
        "id": "echo",
        "execute-command": sys.executable,
        "pass-arguments-to-command": [
            *({"source": "string", "name": text} for text in ("-I", "-S", script)),
            {"source": "raw-request-body"},
        ],
        "include-command-output-in-response": True,
    }
    hooks = made.directory / "hooks.json"
    hooks.write_text(json.dumps([hook]))
    port = free_port()
    started = made.start([program, "-hooks", str(hooks), "-ip", "127.0.0.1", "-port", str(port)])
    return [Contender("webhook", f"http://127.0.0.1:{port}/hooks/echo", {"webhook": started})]


def _node_red(made: Rivals) -> list[Contender]:
    """Node-RED with its exec node."""
    program = shutil.which("node-red")
    if program is None:
        return []
    script = Path(__file__).parent / "rivals" / "echo.py"
    command = f"{sys.executable} -I -S {script}"
    nodes = [
        {"id": "tab", "type": "tab", "label": "echo"},
        {"id": "in", "z": "tab", "type": "http in", "url": "/echo", "method": "post", "wires": [["run"]]},
        {"id": "run", "z": "tab", "type": "exec", "command": command, "addpay": "payload", "wires": [["out"], [], []]},
        {"id": "out", "z": "tab", "type": "http response", "statusCode": "", "headers": {}, "wires": []},
    ]
    home = made.directory / "node-red"
    home.mkdir()
    (home / "flows.json").write_text(json.dumps(nodes))
    port = free_port()
    started = made.start([program, "--userDir", str(home), "--port", str(port), "flows.json"], HOME=str(home))
    return [Contender("Node-RED", f"http://127.0.0.1:{port}/echo", {"node-red": started})]
