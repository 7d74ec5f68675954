"""A stack for faults, whose callers wait for four seconds at most."""

import pytest

from chaos.rows import table
from chaos.trial import Trial
from testbed.publisher import Publisher
from testbed.stack import Stack, own_data_dir

TRIGGER_SECONDS = 4
# The machine also runs other tests at the same time; `make chaos` allows one second.
LIMIT_SECONDS = TRIGGER_SECONDS + 4.0


@pytest.fixture(scope="session")
def running_broken_stack(django_db_setup, database_url, tmp_path_factory):
    """Use `trial`, which also opens the database."""
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("broken") / "data", database_url)
    settings = {"UDAPI_TRIGGER_TIMEOUT_SECONDS": str(TRIGGER_SECONDS), "UDAPI_WEB_THREADS": "64"}
    with Stack(data_dir, shared | settings) as stack:
        yield stack


@pytest.fixture
def trial(running_broken_stack, open_db):
    """The stack that the tests break, one after the other."""
    return Trial(running_broken_stack, Publisher(), LIMIT_SECONDS)


@pytest.fixture
def survived(running_broken_stack):
    """Asserts that every row is good."""

    def check(rows) -> None:
        assert all(row.is_good for row in rows), "\n" + table(rows) + "\n" + _complaints(running_broken_stack)

    return check


def _complaints(stack: Stack) -> str:
    """The last warnings and errors of the web server and of the worker nodes."""
    logs = [stack.log_text(name).splitlines() for name in ("endpoint.log", "manager.log")]
    return "\n".join(line for log in logs for line in [line for line in log if " INFO " not in line][-40:])
