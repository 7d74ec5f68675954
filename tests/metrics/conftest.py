"""A stack that serves metrics, shared by the tests of this folder."""

import pytest

from testbed.publisher import Publisher
from testbed.stack import Stack, free_port, own_data_dir
from tests.metrics.scrape import TOKEN


@pytest.fixture(scope="session")
def running_measured_stack(django_db_setup, database_url, tmp_path_factory):
    """Use `measured`, which also opens the database."""
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("measured") / "data", database_url)
    metrics = {"UDAPI_METRICS_TOKEN": TOKEN, "UDAPI_METRICS_PORT": str(free_port())}
    with Stack(data_dir, shared | metrics) as stack:
        yield stack


@pytest.fixture
def measured(running_measured_stack, open_db):
    """The stack that serves metrics, with an open database."""
    running_measured_stack.mend()
    return running_measured_stack


@pytest.fixture
def publish_here(measured):
    """`publish` for the stack that serves metrics."""
    return Publisher()
