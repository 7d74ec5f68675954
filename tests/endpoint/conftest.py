"""A gunicorn on another machine than the worker node, a stack without a worker node, and who calls them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet import overview
from testbed.stack import Stack, own_data_dir
from tests.endpoint.catalogue import assert_error, assert_no_stranger
from tests.endpoint.fakenode import FakeNode
from tests.endpoint.wire import Connection, RawResponse, head

ENDPOINT_NODE = 9_001
# The body of the request says what the script does with its output.
DOES = """
import json
from automation.sdk import *

def on_api_trigger(engine, request):
    output = ApiTriggerOutput()
    headers = output.response_headers
    exec(request.raw_body)
    return output
"""


@pytest.fixture(scope="session")
def running_far_web(running_stack):
    """Use `far_web`, which also opens the database."""
    with running_stack.another_web(UDAPI_NODE_ID=str(ENDPOINT_NODE)) as web:
        yield web


@pytest.fixture
def far_web(running_far_web, stack):
    """A further gunicorn in front of the shared fleet, on a machine with the number `ENDPOINT_NODE`."""
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
    """A stack without a worker node, with a time-out of two seconds and four waiting slots."""
    running_lonely.redis_client().flushall()
    return running_lonely


@pytest.fixture
def without_broker(lonely):
    """`lonely` while its Redis is down."""
    lonely.stop_redis()
    yield lonely
    lonely.redis = lonely.start_redis()


@pytest.fixture
def fake_node(lonely, monkeypatch):
    """A worker node for `lonely` that the test plays."""
    return FakeNode(lonely, monkeypatch)


@pytest.fixture
def echo(publish):
    """An API that answers with the body that it was sent."""
    return publish()


@pytest.fixture
def answer(stack, publish):
    """The raw answer of a script that does `code` with its `output` and its `headers`."""
    api = publish(DOES)

    def ask(code: str) -> RawResponse:
        content = code.encode()
        framing = [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))]
        with Connection(stack.url) as connection:
            connection.send(head("POST", api.path, *api.headers.items(), *framing), content)
            found = connection.answer()
            # After any answer, the connection is ready for the next request.
            connection.send(head("GET", "/api/custom"))
            assert_error(connection.answer(), 1)
        if "Location" not in code:
            assert_no_stranger(found.headers)
        return found

    return ask


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Up to three callers at the same time."""
    with ThreadPoolExecutor(3) as pool:
        yield pool
