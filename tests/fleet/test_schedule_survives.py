"""Periodic tasks are sent by one background program of the fleet, whatever is killed or stopped."""

import signal
import subprocess
from contextlib import suppress

import pytest
import redis

from testbed.stack import Machine, own_data_dir, wait_until
from tests.fleet.own_tasks import SENDERS

TAKE_OVER_SECONDS = 15
"""Promised in docs/operations/background-tasks.md."""


class Programs:
    """Two background programs of one fleet."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.running = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        return self.machine.start_background(UDAPI_TASK_MODULES="tests.fleet.own_tasks")

    def senders(self) -> list[int]:
        """The processes that sent the frequent task, in order."""
        with self.machine.redis_client() as client, suppress(redis.ConnectionError):
            return [int(each.decode().removeprefix("gen").partition("@")[0]) for each in client.lrange(SENDERS, 0, -1)]
        return []

    def forget(self) -> None:
        with self.machine.redis_client() as client:
            client.delete(SENDERS)

    def wait_for_sender(self, *, other_than: int = 0) -> int:
        """Wait until a single process has sent the task three times, and return its id."""

        def others() -> list[int]:
            return [each for each in self.senders() if each != other_than]

        wait_until(others, TAKE_OVER_SECONDS, "the task")
        wait_until(lambda: len(others()) >= 3, what="the task again")
        (sender,) = set(others())
        return sender

    def holder(self) -> subprocess.Popen[bytes]:
        """The program that sends."""
        self.forget()
        sender = self.wait_for_sender()
        return next(each for each in self.running if each.pid == sender)

    def replace(self, process: subprocess.Popen[bytes]) -> None:
        self.running.remove(process)
        self.running.append(self._start())


@pytest.fixture(scope="module")
def machine(django_db_setup, django_db_blocker, tmp_path_factory, database_url):
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("machine") / "data", database_url)
    machine = Machine(data_dir, shared)
    yield machine
    machine.end()


@pytest.fixture(scope="module")
def programs(machine):
    programs = Programs(machine)
    wait_until(programs.senders, what="the first task")
    return programs


def test_second_program_sends_after_the_first_is_killed(programs):
    holder = programs.holder()
    holder.kill()
    holder.wait()
    programs.forget()
    # Its last message may not have run yet.
    assert programs.wait_for_sender(other_than=holder.pid)
    programs.replace(holder)


def test_stopped_sender_is_replaced_and_does_not_send_when_it_continues(programs):
    holder = programs.holder()
    holder.send_signal(signal.SIGSTOP)
    try:
        successor = programs.wait_for_sender(other_than=holder.pid)
    finally:
        holder.send_signal(signal.SIGCONT)
    # A message that it was about to send at that moment may still come.
    wait_until(lambda: programs.senders()[-3:] == [successor] * 3, what="the successor")
    programs.forget()
    assert programs.wait_for_sender() == successor


def test_scheduler_survives_a_killed_redis(programs):
    programs.holder()
    programs.machine.redis.kill()
    programs.machine.redis.wait()
    programs.machine.redis = programs.machine.start_redis()
    programs.wait_for_sender()
