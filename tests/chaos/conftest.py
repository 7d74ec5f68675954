"""A stack for faults: its callers wait four seconds at most."""

import pytest

from chaos.report import table
from testbed.stack import Stack, own_data_dir

TRIGGER_SECONDS = 4
# In the suite the machine has other things to do as well; `make chaos` allows one second.
LIMIT_SECONDS = TRIGGER_SECONDS + 4.0


@pytest.fixture(scope="session")
def running_broken_stack(django_db_setup, database_url, tmp_path_factory):
    """Use `broken_stack`, which also opens the database."""
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("broken") / "data", database_url)
    settings = {"UDAPI_TRIGGER_TIMEOUT_SECONDS": str(TRIGGER_SECONDS), "UDAPI_WEB_THREADS": "64"}
    stack = Stack(data_dir, shared | settings)
    yield stack
    stack.stop()


@pytest.fixture
def broken_stack(running_broken_stack, open_db):
    """The stack that the tests break, one after the other."""
    return running_broken_stack


@pytest.fixture
def survived(running_broken_stack):
    """Asserts that every row survived."""

    def check(rows) -> None:
        assert all(row.is_good for row in rows), "\n" + table(rows) + "\n" + _complaints(running_broken_stack)

    return check


def _complaints(stack: Stack) -> str:
    """The last lines of the endpoint and of the worker nodes that say what went wrong."""
    logs = [stack.log_text(name).splitlines() for name in ("endpoint.log", "manager.log")]
    return "\n".join(line for log in logs for line in [line for line in log if " INFO " not in line][-40:])
