"""A running stack, seen from outside."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis

from testbed.stack import free_port, wait_until
from tests.launcher.conftest import Start
from tests.launcher.launcher_process import PROJECT, Launcher, command_line, refused
from tests.launcher.witness import Witness

HOLDS = """
import os, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    while not os.path.exists(os.path.join(os.environ["STATE_DIRECTORY"], "go")):
        time.sleep(0.05)
    return ApiTriggerOutput()
"""
GENERATED = ("secret_key", "secret_peppers", "credential_keys", "redis/password")


@pytest.mark.root_too
def test_printed_curl_answers(shared_stack: Launcher) -> None:
    shared_stack.wait_until_answered()
    status, body = shared_stack.call()
    assert (status, json.loads(body)) == (200, {"hello": "world"})


def test_each_step_is_shown(shared_stack: Launcher) -> None:
    labels = [line.partition(" …")[0] for line in shared_stack.output.splitlines() if " …" in line]
    assert labels[:6] == ["Secrets", "Settings", "Port", "Redis", "Database", "First start"]
    assert f"Ready. The console: http://localhost:{shared_stack.port}/console/" in shared_stack.output


def test_without_a_terminal_no_secret_is_printed_but_where_it_lies(shared_stack: Launcher) -> None:
    for name in ("admin-password", "demo-secret"):
        file = shared_stack.data_dir / "first-start" / name
        assert str(file) in shared_stack.output
        assert file.read_text().strip() not in shared_stack.output


def test_files_are_for_this_user_only(shared_stack: Launcher) -> None:
    open_to_others = [
        str(path)
        for path in (shared_stack.data_dir, *shared_stack.data_dir.rglob("*"))
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]
    assert not open_to_others
    for name in (*GENERATED, "redis/redis.conf", "run/supervisord.conf"):
        assert stat.S_IMODE((shared_stack.data_dir / name).stat().st_mode) == 0o600


@pytest.mark.root_too
def test_no_secret_on_a_command_line_in_an_environment_or_in_a_log(shared_stack: Launcher, witness: Witness) -> None:
    shared_stack.wait_until_answered()
    names = (*GENERATED, "first-start/admin-password", "first-start/demo-secret")
    secrets = [(shared_stack.data_dir / name).read_text().strip() for name in names]
    environments = witness.environments()
    assert environments.keys() >= {shared_stack.process.pid, *(program.pid for program in shared_stack.programs())}
    places = [command_line(process) for process in shared_stack.processes()]
    places += environments.values()
    places += [log.read_text() for log in (shared_stack.data_dir / "logs").iterdir()]
    places.append((shared_stack.data_dir / "run" / "supervisord.conf").read_text())
    assert not [secret for secret in secrets if any(secret in place for place in places)]


def test_redis_listens_on_its_socket_only_and_wants_a_password(shared_stack: Launcher) -> None:
    server = shared_stack.program("-server")
    assert not [each for each in server.net_connections("inet") if each.status == psutil.CONN_LISTEN]
    stranger = redis.Redis(unix_socket_path=str(shared_stack.redis_socket()))
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    friend = redis.Redis.from_url(shared_stack.redis_url(0))
    assert friend.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert int(str(friend.config_get("maxmemory")["maxmemory"])) > 0


@pytest.mark.parametrize("name", ["-server", "udapi.triggers", "udapi.background", "gunicorn"])
def test_what_is_killed_is_started_again(shared_stack: Launcher, name: str) -> None:
    shared_stack.wait_until_answered()
    killed = shared_stack.program(name)
    orphans = killed.children(recursive=True)
    killed.kill()
    killed.wait(10)
    # They answer until they notice, so the next call may reach one that is ending.
    assert not psutil.wait_procs(orphans, timeout=60)[1]
    assert shared_stack.program(name).pid != killed.pid
    shared_stack.wait_until_answered()


def test_triggers_go_on_while_the_background_program_is_killed(shared_stack: Launcher) -> None:
    shared_stack.wait_until_answered()
    killed = shared_stack.program("udapi.background")
    killed.kill()
    assert shared_stack.call()[0] == 200
    killed.wait(10)
    assert shared_stack.call()[0] == 200


def test_a_killed_web_server_answers_what_it_has_begun_and_is_back_before(shared_stack: Launcher) -> None:
    shared_stack.wait_until_answered()
    shared_stack.publish("slow", HOLDS)
    token = (shared_stack.data_dir / "first-start" / "demo-secret").read_text().strip()
    slow = shared_stack.call_slow(0, token)
    shared_stack.wait_until_it_runs()
    shared_stack.program("gunicorn").kill()
    time.sleep(1.5)  # The workers answer until they notice.
    shared_stack.wait_until_answered()
    assert not slow.done()
    (shared_stack.data_dir / "state" / "go").touch(mode=0o600)
    assert slow.result() == 200


def test_a_web_worker_that_is_killed_is_started_again(shared_stack: Launcher) -> None:
    shared_stack.wait_until_answered()
    ends = time.monotonic() + 20
    while not (workers := shared_stack.program("gunicorn").children()):
        assert time.monotonic() < ends
        time.sleep(0.1)
    workers[0].kill()
    psutil.wait_procs(workers[:1], timeout=60)
    shared_stack.wait_until_answered()


def test_a_second_start_on_the_same_data_is_refused(shared_stack: Launcher) -> None:
    sentence = refused(shared_stack.data_dir, free_port())
    assert sentence.startswith("Error: It is already running")
    assert f"kill {shared_stack.process.pid}" in sentence


def test_a_taken_port_is_refused(shared_stack: Launcher, tmp_path: Path) -> None:
    sentence = refused(tmp_path / "data", shared_stack.port)
    assert f"Port {shared_stack.port} on 127.0.0.1 is taken" in sentence
    assert "UDAPI_PORT=" in sentence


def test_one_more_worker_node_has_both_programs_and_ends_with_an_interrupt(
    shared_stack: Launcher, start: Start
) -> None:
    node = start(shared_stack.data_dir, port=shared_stack.port, command="worker")
    node.wait_until_printed("Ctrl-C lets it finish")
    log = shared_stack.data_dir / "logs" / "manager.log"
    for name in ("worker", "background"):
        wait_until(
            lambda name=name: f"{name}-{node.process.pid}@{socket.gethostname()} ready" in log.read_text(),
            what=f"{name}: {node.output}",
        )
    node.program("udapi.background").kill()
    wait_until(
        lambda: log.read_text().count(f"background-{node.process.pid}@{socket.gethostname()} ready") == 2,
        what="the next one",
    )
    node.end(signal.SIGINT)


def test_a_worker_node_without_a_broker_is_refused(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    settings = {"UDAPI_DATA_DIR": str(tmp_path), "REDIS_URL": url, "UDAPI_SECRET_KEY": "k" * 50}
    ended = subprocess.run(
        [sys.executable, "-m", "launcher", "worker"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "UDAPI_SECRET_PEPPERS": f"1:{'p' * 32}", **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "Error: The broker does not answer" in ended.stdout


def test_given_parts_are_used_and_none_is_embedded(shared_stack: Launcher, start: Start, tmp_path: Path) -> None:
    """With a Redis and an administrator's password of its own, without the demo, on IPv6."""
    other = start(
        tmp_path / "data",
        REDIS_URL=shared_stack.redis_url(1),
        UDAPI_ADMIN_USER="root",
        UDAPI_ADMIN_PASSWORD="a password of my own",
        UDAPI_DEMO="0",
        UDAPI_HOST="::1",
    ).wait_until_ready()
    assert "at REDIS_URL answers" in other.output
    assert "Log in as root with the password from UDAPI_ADMIN_PASSWORD." in other.output
    assert "To create a first API:" in other.output
    assert "curl" not in other.output
    assert "a password of my own" not in other.output
    assert not [program for program in other.programs() if "-server" in command_line(program)]
    assert not (tmp_path / "data" / "redis").exists()
    assert not list((tmp_path / "data" / "first-start").iterdir())
    other.end()
