"""Programs hide their secrets from other processes of their account, and Redis never gets the secrets."""

import subprocess
import sys

import psutil

from launcher import programs, redis_server
from testbed.stack import wait_until
from tests.launcher.launcher_process import PROJECT, Launcher, command_line

# Root's capabilities would give it access.
LOOK = """
import sys
sys.path.insert(0, sys.argv[1])
from foundation import linux
linux.renounce_privileges()
for pid in sys.argv[2:]:
    for name in ("environ", "maps", "mem"):
        try:
            open(f"/proc/{pid}/{name}", "rb").read(1)
        except PermissionError:
            continue
        print(pid, name)
"""

PROGRAMS = ("udapi.triggers", "udapi.background", "gunicorn")


def test_another_process_of_the_account_cannot_look_into_them(shared_stack: Launcher) -> None:
    shared_stack.wait_until_answered()
    # One that a test has killed may still be restarting.
    wait_until(lambda: all(any(name in each for each in _told(shared_stack)) for name in PROGRAMS), what="all programs")
    closed = [psutil.Process(shared_stack.process.pid), *map(shared_stack.program, PROGRAMS)]
    closed += shared_stack.program("gunicorn").children()
    assert len(closed) >= 5
    wait_until(lambda: not _open(closed), what=f"what is open of {list(map(command_line, closed))}")


def _told(stack: Launcher) -> list[str]:
    return [command_line(program) for program in stack.programs()]


def _open(processes: list[psutil.Process]) -> str:
    """What another process can read of them."""
    pids = [str(each.pid) for each in processes]
    done = subprocess.run([sys.executable, "-c", LOOK, str(PROJECT), *pids], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_command_of_the_product_closes_its_memory(shared_stack: Launcher) -> None:
    program = "import ctypes; print('dumpable', ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", program]
    done = subprocess.run(command, cwd=PROJECT, env=shared_stack.settings, capture_output=True, text=True)
    assert done.stdout == "dumpable 0\n", done


def test_redis_gets_nothing_of_the_supervisors_environment() -> None:
    """A server overwrites its environment, so another program stands in for it and prints its own."""
    (command,) = (program.command for program in programs.stack(["/usr/bin/env"]) if program.name == "redis")
    done = subprocess.run(command, env={"UDAPI_SECRET_KEY": "planted"}, capture_output=True, text=True)
    assert dict(line.split("=") for line in done.stdout.splitlines()) == redis_server.ENVIRONMENT
