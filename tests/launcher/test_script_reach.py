"""A script reaches nothing of the product that runs it, as an ordinary user and as root."""

import json
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.hosts.rogue import spy
from tests.hosts.rogue.test_spy import zombie
from tests.landlock import needs_landlock, needs_scopes
from tests.launcher.launcher_process import Launcher, command_line

pytestmark = needs_landlock


@pytest.fixture(scope="module")
def call(shared_stack: Launcher) -> spy.Call:
    """Calls the spy with a list of attempts."""
    shared_stack.wait_until_answered()
    shared_stack.publish("spy", spy.SPY)
    token = (shared_stack.data_dir / "first-start" / "demo-secret").read_text().strip()

    def _call(attempts: str) -> dict[str, Any]:
        url, headers = f"http://127.0.0.1:{shared_stack.port}/api/custom/spy", {"Authorization": f"Bearer {token}"}
        answer = httpx.post(url, content=attempts, headers=headers | {"Content-Type": "text/plain"}, timeout=30)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    return _call


def test_a_script_reaches_no_file_of_the_product_or_the_machine(shared_stack: Launcher, call: spy.Call) -> None:
    assert spy.successes(call, spy.on_files(shared_stack.data_dir)) == []
    others = ("first-start/demo-secret", "run/supervisord.conf", "logs/manager.log", "logs/endpoint.log")
    assert spy.successes(call, [("read", str(shared_stack.data_dir / name)) for name in others]) == []


def test_a_script_reaches_no_process_of_the_product(shared_stack: Launcher, call: spy.Call) -> None:
    processes = shared_stack.processes()
    told = " ".join(command_line(process) for process in processes)
    assert all(name in told for name in ("launcher.supervise", "-server", "celery", "gunicorn", "zygote"))
    # Nor any other one, such as the test's.
    with zombie() as ended:
        assert spy.successes_on_processes(call, [*processes, psutil.Process(), ended]) == []


@needs_scopes
def test_a_script_reaches_no_abstract_socket(call: spy.Call) -> None:
    with spy.abstract_socket() as attempt:
        assert spy.successes(call, [attempt]) == []


def test_a_script_reaches_no_other_scripts_directory(shared_stack: Launcher, call: spy.Call) -> None:
    shared_stack.publish("neighbour", spy.SPY)
    here = Path(call("[]")["here"])
    assert here.is_dir()
    token = (shared_stack.data_dir / "first-start" / "demo-secret").read_text().strip()
    attempts = [("list", str(here)), ("list", str(here.parent)), ("create", str(here / "planted"))]
    answer = httpx.post(
        f"http://127.0.0.1:{shared_stack.port}/api/custom/neighbour",
        content=json.dumps(attempts),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "text/plain"},
        timeout=30,
    )
    assert set(answer.json()["outcomes"]) == {"Permission denied"}


def test_a_script_reaches_what_it_needs(shared_stack: Launcher, call: spy.Call) -> None:
    state = shared_stack.data_dir / "state"
    attempts = [
        ("write", "mine"),
        ("read", "mine"),
        ("write", str(state / "kept")),
        ("read", "/etc/resolv.conf"),
        ("list", "/usr/share"),
        ("list", "/proc"),
        ("write", "/dev/null"),
        ("list", tempfile.__file__.rpartition("/")[0]),
    ]
    assert [said for _, said in spy.successes(call, attempts)] == ["done"] * len(attempts)
