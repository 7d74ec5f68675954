"""What a worker that is to end does to its sockets does not reach the processes of scripts."""

import socket

import pytest

from hosts.jobs import Outcome


@pytest.fixture
def _new_sockets_have_a_time_out():
    """As Celery has it while it shuts down."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    yield
    socket.setdefaulttimeout(before)


@pytest.mark.usefixtures("_new_sockets_have_a_time_out")
def test_a_run_that_begins_meanwhile(bench):
    for _ in range(10):
        assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED
    bench.zygote().kill()
    # Another script, so that none of the hosts that rest is asked, which end with it.
    assert bench.run("def run(engine): return").outcome is Outcome.SUCCEEDED
