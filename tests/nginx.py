"""A real nginx with the configuration of `deploy/`, before a stack of the tests."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stack import ROOT, free_port, wait_until

SHIPPED = ROOT / "deploy" / "nginx.conf"

_MAIN = """
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile 4096;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/udapi.conf;
}}
"""


def program() -> str:
    """The nginx of this machine; without one the test is skipped, on CI it fails."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        message = "nginx is not installed (Debian, Ubuntu: apt install nginx-light)"
        raise AssertionError(message) if os.environ.get("CI") == "true" else pytest.skip.Exception(message)
    return found


class Nginx:
    """nginx on a free loopback port before the gunicorn at `upstream_port`; its files lie in `directory`."""

    def __init__(self, directory: Path, upstream_port: int) -> None:
        self.directory, self.port = directory, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(_MAIN.format(directory=directory, user=user))
        (directory / "udapi.conf").write_text(self._site(upstream_port))
        command = [
            program(),
            "-e",
            str(directory / "error.log"),
            "-p",
            str(directory),
            "-c",
            str(directory / "nginx.conf"),
        ]
        with (directory / "output").open("wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until((directory / "nginx.pid").exists, 20, f"nginx, see {directory}/output")

    def _site(self, upstream_port: int) -> str:
        """The shipped file with other ports, and with a name that the product knows."""
        changes = {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream_port};",
            "listen 80;": f"listen 127.0.0.1:{self.port};",
            "server_name apis.example.com;": "server_name localhost;",
        }
        text = SHIPPED.read_text()
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)
