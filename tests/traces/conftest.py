"""Fixtures for traces: a collector, and a stack that sends its spans there."""

import pytest
from django.contrib.auth.models import User

from keys.changes import create_key
from testbed import people
from testbed.collector import Collector
from testbed.stack import Stack, own_data_dir

HEADER_SECRET = "made-up-secret-of-the-collector"


@pytest.fixture(scope="session")
def running_collector():
    with Collector() as collector:
        yield collector


@pytest.fixture
def collector(running_collector):
    """The collector of `traced_stack`, which works again after each test."""
    yield running_collector
    running_collector.status = 200
    running_collector.go_on()


@pytest.fixture(scope="session")
def running_traced_stack(django_db_setup, database_url, tmp_path_factory, running_collector):
    """Use `traced_stack`, which also opens the database."""
    data_dir, shared = own_data_dir(tmp_path_factory.mktemp("traced") / "data", database_url)
    tracing = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": running_collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={HEADER_SECRET}",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=tests",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "UDAPI_WEB_WORKERS": "1",
        "UDAPI_LOG_FORMAT": "json",
    }
    with Stack(data_dir, shared | tracing) as stack:
        yield stack


@pytest.fixture
def traced_stack(running_traced_stack, open_db, collector):
    """A stack whose web server and worker node send spans to `collector`."""
    return running_traced_stack


@pytest.fixture
def user(open_db):
    """The header of a superuser's personal key."""
    superuser = User.objects.create_superuser("tracer")
    yield {"Authorization": f"Token {create_key(superuser, 'traces', 1)[1]}"}
    people.remove_users(pk=superuser.pk)
