"""A mirror for each test, in an Elasticsearch that all tests share."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from fleet.models import PeriodicTask
from search import state
from search.models import Copy, Intent, Mirror, SetAside
from search.state import switch
from testbed.elasticsearch import USER, Elasticsearch, MissingError


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Any]:
    """The server at `ELASTICSEARCH_URL`; without one, a server that the tests start."""
    given = os.environ.get("TESTS_ELASTICSEARCH_URL")
    if given:
        yield SimpleNamespace(url=given, password="", repo="")
        return
    try:
        server = Elasticsearch()
    except MissingError as error:
        if os.environ.get("CI"):
            pytest.fail(f"No Elasticsearch: {error}")
        pytest.skip(f"No Elasticsearch: {error}")
    yield server
    server.stop()


@dataclass
class Mirrored:
    """The mirror of a test."""

    settings: Any
    server: Any
    prefix: str

    @property
    def client(self):
        from search.connection import client

        return client()

    @property
    def kinds(self):
        from search.indices import MIRRORED

        return list(MIRRORED.values())

    def build(self) -> None:
        from search.rebuild import rebuild

        for kind in self.kinds:
            rebuild(kind)

    def empty(self) -> bool:
        """Delete all documents; returns whether the indices are now as good as new ones."""
        from search import indices
        from search.writes import write

        if any(indices.fault(kind) for kind in self.kinds):
            return False
        for kind in self.kinds:
            write(kind, list(self.documents(kind.name)))
        return not any(self.documents(kind.name) for kind in self.kinds)

    def drain(self) -> int:
        """Carry out all intents; returns how many there were."""
        from search.outbox import drain

        total = 0
        while done := drain():
            total += done
        return total

    def check(self) -> dict[str, Any]:
        """The drift by kind; kinds without drift are left out."""
        from search.drift import check

        found = {kind.name: check(kind) for kind in self.kinds}
        return {name: findings for name, findings in found.items() if findings}

    def documents(self, kind: str = "definitions") -> dict[str, dict[str, Any]]:
        index = f"{self.prefix}-{kind}"
        self.client.indices.refresh(index=index)
        hits = self.client.search(index=index, size=1_000)["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def use(self, url: str) -> None:
        """Make the product use Elasticsearch at `url`."""
        from search.connection import client
        from search.elasticsearch_query import breaker

        self.settings.ELASTICSEARCH_URL = [url]
        client.cache_clear()
        breaker.close()

    def environment(self) -> dict[str, str]:
        """The environment of a process that uses this mirror."""
        return {
            "ELASTICSEARCH_URL": self.settings.ELASTICSEARCH_URL[0],
            "ELASTICSEARCH_USER": self.settings.ELASTICSEARCH_USER,
            "ELASTICSEARCH_PASSWORD": self.settings.ELASTICSEARCH_PASSWORD,
            "ELASTICSEARCH_PREFIX": self.prefix,
        }


@pytest.fixture(scope="session")
def prefix(elasticsearch):
    """The prefix of all indices of this test process, which are deleted at the end."""
    prefix = f"test-{secrets.token_hex(4)}"
    yield prefix
    login = (USER, elasticsearch.password) if elasticsearch.password else None
    found = httpx.get(f"{elasticsearch.url}/{prefix}-*?expand_wildcards=all", auth=login)
    for name in found.json():
        httpx.delete(f"{elasticsearch.url}/{name}", auth=login)


@pytest.fixture
def mirror_settings(settings, elasticsearch, prefix, monkeypatch):
    """The settings of a mirror; the database says nothing about it yet."""
    from search import drift

    monkeypatch.setattr(state, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(drift, "PAUSE_SECONDS", 0.1)
    settings.ELASTICSEARCH_USER = USER if elasticsearch.password else ""
    settings.ELASTICSEARCH_PASSWORD = elasticsearch.password
    settings.ELASTICSEARCH_PREFIX = prefix
    mirrored = Mirrored(settings, elasticsearch, prefix)
    mirrored.use(elasticsearch.url)
    yield mirrored
    mirrored.client.close()
    mirrored.use("http://127.0.0.1:1")


@pytest.fixture
def mirror(open_db, mirror_settings):
    """The mirror of an empty database. It reuses the indices of the previous test unless these are damaged."""
    for model in (Intent, SetAside, Copy, Mirror):
        model.objects.all().delete()
    switch.turn_on()
    if not mirror_settings.empty():
        mirror_settings.build()
    yield mirror_settings
    for model in (Intent, SetAside, Copy, Mirror):
        model.objects.all().delete()


@pytest.fixture
def background(mirror, stack):
    """`background(environment)` starts a background program, by default with the environment of the mirror."""
    started: list[subprocess.Popen[bytes]] = []

    def background(environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with stack.redis_client() as client:
            # Not to wait for the lease of a killed program to expire: tests/fleet tests that.
            client.delete(f"{stack.prefix}lease:scheduler")
        started.append(stack.start_background(**(environment or mirror.environment())))
        return started[-1]

    yield background
    for process in started:
        process.kill()
        process.wait()
    with stack.redis_client() as client:
        names = ("udapi.background", "unacked", "unacked_index")
        client.delete(*client.keys(f"{stack.prefix}lease:*"), *(stack.prefix + name for name in names))
    PeriodicTask.objects.all().delete()
    print(stack.log.read_text()[-20_000:] if started else "")
    print(stack.log_text("manager.log")[-20_000:] if started else "")


@pytest.fixture
def eventually():
    """`eventually(condition)` waits until the condition holds."""

    def eventually(condition, seconds: float = 60, what: str = "") -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
            time.sleep(0.1)

    return eventually


class Silent:
    """Accepts connections but never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def connections(self) -> int:
        """How many connections there were since the last call."""
        self._listener.settimeout(0.2)
        count = 0
        try:
            while True:
                self._listener.accept()[0].close()
                count += 1
        except TimeoutError:
            return count

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def silent_port():
    """A port that accepts connections but never answers."""
    silent = Silent()
    yield silent
    silent.close()
