"""A gunicorn that is another machine than the worker, and a stack without a worker."""

import pytest

from fleet import overview
from testbed.stack import Stack, own_data_dir
from tests.endpoint.fakenode import FakeNode

ENDPOINT_NODE = 9_001


@pytest.fixture(scope="session")
def running_far_web(running_stack):
    """Use `far_web`, which also opens the database."""
    with running_stack.another_web(UDAPI_NODE_ID=str(ENDPOINT_NODE)) as web:
        yield web


@pytest.fixture
def far_web(running_far_web, stack):
    """One more gunicorn before the shared fleet, on a machine whose number is `ENDPOINT_NODE`."""
    return running_far_web


@pytest.fixture
def worker_node(stack):
    """The number of the shared stack's worker node."""
    return overview.nodes()[0].id


@pytest.fixture(scope="session")
def running_lonely(django_db_setup, database_url, tmp_path_factory):
    """Use `lonely`, which also opens the database."""
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("lonely") / "data", database_url)
    limits = {"UDAPI_TRIGGER_TIMEOUT_SECONDS": "2", "UDAPI_TRANSFER_SECONDS": "2"}
    small = {"UDAPI_WEB_WORKERS": "1", "UDAPI_WEB_THREADS": "8"}
    stack = Stack(data_dir, shared | limits | small | {"UDAPI_NODE_ID": str(ENDPOINT_NODE)})
    stack.stop_worker()
    # Its first request takes longer than the others.
    stack.client.get("/api/custom/any", headers={"Authorization": "Bearer of nothing"})
    yield stack
    stack.stop()


@pytest.fixture
def lonely(running_lonely, open_db):
    """A stack without a worker node, which waits two seconds for an answer and has four places to wait."""
    running_lonely.redis_client().flushall()
    return running_lonely


@pytest.fixture
def without_broker(lonely):
    """The same, while its Redis is down."""
    lonely.stop_redis()
    yield lonely
    lonely.redis = lonely.start_redis()


@pytest.fixture
def fake_node(lonely, monkeypatch):
    """The worker node of `lonely` that a test plays."""
    return FakeNode(lonely, monkeypatch)
