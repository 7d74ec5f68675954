"""The time-out that Celery gives new sockets during its shutdown does not affect script hosts."""

import socket

import pytest

from hosts.jobs import Outcome


@pytest.fixture
def _new_sockets_have_a_time_out():
    """As during Celery's shutdown."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    yield
    socket.setdefaulttimeout(before)


@pytest.mark.usefixtures("_new_sockets_have_a_time_out")
def test_run_that_begins_during_celerys_shutdown_succeeds(bench):
    for _ in range(10):
        assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED
    bench.zygote().kill()
    # Another script, so that no warm host is used: these end with the zygote.
    assert bench.run("def run(engine): return").outcome is Outcome.SUCCEEDED
