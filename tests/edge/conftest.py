"""A gunicorn and an nginx for clients that misbehave."""

import pytest

from tests.nginx import Nginx


@pytest.fixture(scope="module")
def running_edge(running_stack, tmp_path_factory):
    """Use `gunicorn` and `nginx`, which also open the database."""
    with running_stack.another_web(UDAPI_TRIGGER_TIMEOUT_SECONDS="5") as web:
        yield web


@pytest.fixture(scope="module")
def running_nginx(running_edge, tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), running_edge.port)
    yield nginx
    nginx.stop()


@pytest.fixture
def gunicorn(running_edge, stack):
    """A gunicorn before the shared fleet; its callers wait five seconds at most."""
    return running_edge


@pytest.fixture
def nginx(running_nginx, stack):
    """nginx as it is shipped, before that gunicorn."""
    return running_nginx


@pytest.fixture(params=["gunicorn", "nginx"])
def edge_url(request):
    """The address of either."""
    return request.getfixturevalue(request.param).url
