"""A real nginx with the configuration of `deploy/`, in front of a stack."""

import os
import shutil
import signal
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

import psutil
import pytest

from testbed.stack import ROOT, free_port, wait_until

SHIPPED = ROOT / "deploy" / "nginx.conf"
SHIPPED_WEBHOOK = ROOT / "deploy" / "nginx-webhook.conf"

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
    """The nginx of this machine. Without one, the test is skipped; on CI it fails."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        message = "nginx is not installed (Debian, Ubuntu: apt install nginx-light)"
        raise AssertionError(message) if os.environ.get("CI") == "true" else pytest.skip.Exception(message)
    return found


class Nginx:
    """nginx on a free loopback port in front of the gunicorns at `upstream_ports`. `directory` holds its files.

    `webhooks` has routes whose senders send no token, each with the secret that nginx adds.
    """

    def __init__(self, directory: Path, *upstream_ports: int, webhooks: Mapping[str, str] | None = None) -> None:
        self.directory, self.port = directory, free_port()
        self._upstream_ports = upstream_ports
        self.url = f"http://127.0.0.1:{self.port}"
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(_MAIN.format(directory=directory, user=user))
        (directory / "udapi.conf").write_text(self._site())
        (directory / "webhooks").mkdir(mode=0o700)
        for number, (route, secret) in enumerate((webhooks or {}).items()):
            self._add_webhook(str(number), route, secret)
        command = [program(), "-e", f"{directory}/error.log", "-p", str(directory), "-c", f"{directory}/nginx.conf"]
        with (directory / "output").open("wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until((directory / "nginx.pid").exists, what=f"nginx, see {directory}/output")

    def reload(self, down: Collection[int] = ()) -> None:
        """Mark the gunicorns at the ports `down` as down, and wait until nginx' earlier worker processes have ended."""
        earlier = psutil.Process(self.process.pid).children()
        (self.directory / "udapi.conf").write_text(self._site(down))
        self.process.send_signal(signal.SIGHUP)
        _, left = psutil.wait_procs(earlier, timeout=60)
        assert not left, f"still running: {left}"

    def _site(self, down: Collection[int] = ()) -> str:
        """The shipped file with the ports of this test and a host name that the product accepts."""
        servers = [f"server 127.0.0.1:{port}{' down' if port in down else ''};" for port in self._upstream_ports]
        changes = {
            "server 127.0.0.1:8000;": " ".join(servers),
            "listen 80;": f"listen 127.0.0.1:{self.port};",
            "server_name apis.example.com;": "server_name localhost;",
            "/var/log/nginx/udapi.log": f"{self.directory}/access.log",
            "/etc/udapi/webhooks": f"{self.directory}/webhooks",
        }
        return _changed(SHIPPED.read_text(), changes)

    def _add_webhook(self, name: str, route: str, secret: str) -> None:
        """The shipped location for another route, with a file for its secret."""
        file = self.directory / "webhooks" / f"{name}.secret"
        file.touch(mode=0o600)
        file.write_text(f'proxy_set_header Authorization "Bearer {secret}";\n')
        changes = {
            "location = /api/custom/hooks/github {": f"location = /api/custom/{route} {{",
            "proxy_pass http://udapi/api/custom/hooks/github;": f"proxy_pass http://udapi/api/custom/{route};",
            "include /etc/udapi/webhooks/github.secret;": f"include {file};",
        }
        text = _changed(SHIPPED_WEBHOOK.read_text(), changes)
        (self.directory / "webhooks" / f"{name}.conf").write_text(text)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def _changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
