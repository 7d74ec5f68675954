"""`python -m launcher.announce PARENT [--first-start]`: wait until a trigger can succeed, then show how to send one.

The launcher starts this process before it becomes the supervisor, so that the process has the terminal.
"""

import http.client
import importlib
import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Callable

import django
from django.conf import settings
from django.db import DatabaseError

from foundation import linux, logs
from launcher import programs
from launcher.paths import LauncherPaths, from_environment
from launcher.steps import say
from launcher.supervised import end_with_parent

PATIENCE_SECONDS = 60
QUIET_SECONDS = 4
PAUSE_SECONDS = 0.3
HTTP_TIMEOUT_SECONDS = 5
PROBE_SECONDS = 3
TAIL_LINES = 15
TAIL_BYTES = 4_000
EMPTY_ROUTE = 1


class Patience:
    """The time that the stack gets to start. When it is over, the operator is shown the logs."""

    def __init__(self) -> None:
        self._began = self._shown = time.monotonic()
        self._is_told = False

    def wait_for(
        self, what: str, is_ready: Callable[[], bool], logs: list[str], reason: Callable[[], str] = str
    ) -> None:
        """Wait until `is_ready`, for ever, and say the `reason`; when time is up, show the ends of these `logs`."""
        self._say(f"Waiting for {what} …")
        while not is_ready():
            self._break_silence(what, logs, reason)
            time.sleep(PAUSE_SECONDS)

    def _break_silence(self, what: str, logs: list[str], reason: Callable[[], str]) -> None:
        now = time.monotonic()
        if self._is_told:
            return
        if now - self._began > PATIENCE_SECONDS:
            self._is_told = True
            _tell_failure(what, logs)
        elif now - self._shown > QUIET_SECONDS:
            self._say(f"… still waiting for {what} ({now - self._began:.0f} s){reason()}")

    def _say(self, text: str) -> None:
        self._shown = time.monotonic()
        say(text)


def _tell_failure(what: str, logs: list[str]) -> None:
    failure = f"\nNo answer from {what} after {PATIENCE_SECONDS} s. The start goes on trying; Ctrl-C ends it."
    if not settings.UDAPI_LOGS.to_files:
        say(f"{failure} The lines above say why.", logging.ERROR)
        return
    say(f"{failure} The logs say:")
    for name in logs:
        file = programs.log_file(name)
        if file.is_file():
            say(f"\n{file}:")
            lines = file.read_bytes()[-TAIL_BYTES:].decode(errors="replace").splitlines()
            say("\n".join(f"  {line}" for line in lines[-TAIL_LINES:]))


def _web_answers() -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.UDAPI_HOST, settings.UDAPI_HOST)  # noqa: S104
    first = settings.ALLOWED_HOSTS[0]
    accepted = "localhost" if first == "*" else first.removeprefix(".")
    connection = http.client.HTTPConnection(host, settings.UDAPI_PORT, timeout=HTTP_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/api/custom", headers={"Host": accepted})
        answer = json.loads(connection.getresponse().read())
        return bool(answer["errors"][0]["errorCode"] == EMPTY_ROUTE)
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return False
    finally:
        connection.close()


def _job_goes_through() -> bool:
    # It imports models, which need Django to be set up.
    return bool(importlib.import_module("fleet.probe").probe(PROBE_SECONDS))


def lacking_packages() -> str:
    """What is said of packages without which the worker takes no triggers."""
    builds = importlib.import_module("automation.builds")
    rows = builds.NodeEnvironment.objects.exclude(state=builds.BuildState.READY)
    try:
        found = dict(rows.values_list("state", "message"))
    except DatabaseError:
        return ""
    if failed := found.get(builds.BuildState.FAILED):
        return f": it installs the packages of scripts; the last failure: {failed}"
    return ": it installs the packages of scripts" if found else ""


def _tell_ready(paths: LauncherPaths, is_first_start: bool) -> None:
    first_start = importlib.import_module("launcher.first_start")
    shows_secrets = is_first_start and sys.stdout.isatty()
    say(f"\nReady. The console: {settings.UDAPI_PUBLIC_URL}/console/")
    if is_first_start or paths.admin_password.is_file():
        name = first_start.admin_name() if is_first_start else "the first administrator"
        say(_admin_line(paths, name, shows_secrets))
    if first_start.has_demo():
        say("A first call:\n")
        say(f"  {_curl(first_start.DEMO_ROUTE, _token(paths, shows_secrets))}\n")
    else:
        say("To create a first API: log in, add a script, a token and a definition with both.")
    if settings.UDAPI_LOGS.to_files:
        files = "endpoint.log: triggers; manager.log: runs of scripts; refused.log: refused calls and log-ins"
        say(f"Logs: {programs.log_file('*').parent} ({files})")
    if shows_secrets:
        paths.admin_password.unlink(missing_ok=True)
        paths.demo_secret.unlink(missing_ok=True)
    say("Ctrl-C ends it.")


def _admin_line(paths: LauncherPaths, name: str, shows_secrets: bool) -> str:
    file = paths.admin_password
    if not file.is_file():
        return f"Log in as {name} with the password from UDAPI_ADMIN_PASSWORD."
    if shows_secrets:
        return f"Log in as {name} with the password {file.read_text().strip()} (shown only this once)."
    return f"Log in as {name}; the password is in {file} (mode 600; remove the file when you know the password)."


def _token(paths: LauncherPaths, shows_secrets: bool) -> str:
    """The demo token's secret for a shell: itself, its file, or a variable once no file holds it any more."""
    if not paths.demo_secret.is_file():
        return "$TOKEN"
    return paths.demo_secret.read_text().strip() if shows_secrets else f"$(cat {shlex.quote(str(paths.demo_secret))})"


def _curl(route: str, token: str) -> str:
    url = f"{settings.UDAPI_PUBLIC_URL}/api/custom/{route}"
    headers = f"""-H "Authorization: Bearer {token}" -H 'Content-Type: application/json'"""
    return f"""curl {headers} -d '{{"hello": "world"}}' {url}"""


def main(parent: str, *flags: str) -> None:
    """Announce the stack of the supervisor `parent`."""
    linux.hide_memory()
    end_with_parent(int(parent))
    django.setup()
    logs.of_launcher(settings.UDAPI_LOGS)
    patience = Patience()
    patience.wait_for("the web server", _web_answers, ["web"])
    patience.wait_for("queue and worker", _job_goes_through, ["worker", "manager", "redis"], lacking_packages)
    _tell_ready(from_environment(), "--first-start" in flags)


if __name__ == "__main__":
    try:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
