"""`python -m launcher.announce PARENT [--first-start]`: wait until a trigger can go through, then say how.

A process of its own that the launcher starts before it becomes the supervisor: so it has the terminal.
"""

import http.client
import importlib
import json
import os
import shlex
import sys
import time
from collections.abc import Callable

import django
from django.conf import settings

from foundation import linux
from launcher import paths as places_module
from launcher import programs
from launcher.paths import Places
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
    """The time that the stack gets to come up; once it is over, the operator is told what to look at."""

    def __init__(self) -> None:
        self._began = self._shown = time.monotonic()
        self._is_told = False

    def wait_for(self, what: str, is_ready: Callable[[], bool], logs: list[str]) -> None:
        """Wait until `is_ready`, for ever; when time is up, show the ends of the `logs` of what is missing."""
        self._say(f"Waiting for {what} …")
        while not is_ready():
            self._break_silence(what, logs)
            time.sleep(PAUSE_SECONDS)

    def _break_silence(self, what: str, logs: list[str]) -> None:
        now = time.monotonic()
        if now - self._began > PATIENCE_SECONDS and not self._is_told:
            self._is_told = True
            _tell_failure(what, logs)
        elif now - self._shown > QUIET_SECONDS and not self._is_told:
            self._say(f"… still waiting for {what} ({now - self._began:.0f} s)")

    def _say(self, text: str) -> None:
        self._shown = time.monotonic()
        say(text)


def _tell_failure(what: str, logs: list[str]) -> None:
    say(f"\nNo answer from {what} after {PATIENCE_SECONDS} s. It is still being tried; Ctrl-C ends it. The logs say:")
    for name in logs:
        file = programs.log_file(name)
        if file.is_file():
            say(f"\n{file}:")
            lines = file.read_bytes()[-TAIL_BYTES:].decode(errors="replace").splitlines()
            say("\n".join(f"  {line}" for line in lines[-TAIL_LINES:]))


def _web_answers() -> bool:
    connection = http.client.HTTPConnection(_reachable_host(), settings.UDAPI_PORT, timeout=HTTP_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/api/custom", headers={"Host": _accepted_host()})
        answer = json.loads(connection.getresponse().read())
        return bool(answer["errors"][0]["errorCode"] == EMPTY_ROUTE)
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return False
    finally:
        connection.close()


def _reachable_host() -> str:
    host: str = settings.UDAPI_HOST
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  it is compared, not bound


def _accepted_host() -> str:
    first: str = settings.ALLOWED_HOSTS[0]
    return "localhost" if first == "*" else first.removeprefix(".")


def _job_goes_through() -> bool:
    # Models can be imported only now that the applications are set up.
    return bool(importlib.import_module("fleet.probe").probe(PROBE_SECONDS))


def _tell_ready(places: Places, is_first_start: bool) -> None:
    first_start = importlib.import_module("launcher.first_start")
    shows_secrets = is_first_start and sys.stdout.isatty()
    say(f"\nReady. The console: {settings.UDAPI_PUBLIC_URL}/console/")
    if is_first_start:
        say(_admin_line(places, first_start.admin_name(), shows_secrets))
    elif places.admin_password.is_file():
        say(f"Secrets of the first start still lie in {places.first_start_dir}: remove what you know.")
    if first_start.has_demo():
        say("A first call:\n")
        say(f"  {_curl(first_start.DEMO_ROUTE, _token(places, is_first_start, shows_secrets))}\n")
    else:
        say("To create a first API: log in, add a script, a token and a definition with both.")
    if shows_secrets:
        places.admin_password.unlink(missing_ok=True)
        places.demo_secret.unlink(missing_ok=True)
    say("Ctrl-C ends it.")


def _admin_line(places: Places, name: str, shows_secrets: bool) -> str:
    if not places.admin_password.is_file():
        return f"Log in as {name} with the password from UDAPI_ADMIN_PASSWORD."
    if shows_secrets:
        return f"Log in as {name} with the password {places.admin_password.read_text().strip()} (shown only this once)."
    return f"Log in as {name}; the password is in {places.admin_password} (mode 600; remove the file when you know it)."


def _token(places: Places, is_first_start: bool, shows_secrets: bool) -> str:
    if shows_secrets:
        return places.demo_secret.read_text().strip()
    return f"$(cat {shlex.quote(str(places.demo_secret))})" if is_first_start else "$TOKEN"


def _curl(route: str, token: str) -> str:
    url = f"{settings.UDAPI_PUBLIC_URL}/api/custom/{route}"
    headers = f"""-H "Authorization: Bearer {token}" -H 'Content-Type: application/json'"""
    return f"""curl {headers} -d '{{"hello": "world"}}' {url}"""


def main(parent: str, *flags: str) -> None:
    """Announce the stack of the supervisor `parent`."""
    linux.hide_memory()
    end_with_parent(int(parent))
    django.setup()
    patience = Patience()
    patience.wait_for("the web server", _web_answers, ["web"])
    patience.wait_for("queue and worker", _job_goes_through, ["worker", "manager", "redis"])
    _tell_ready(places_module.from_environment(), "--first-start" in flags)


if __name__ == "__main__":
    try:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
