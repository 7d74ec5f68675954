"""A mirror of each test's own, in an Elasticsearch that all tests share."""

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
from search import switch
from search.models import Copy, Intent, Mirror, SetAside
from testbed.elasticsearch import USER, Elasticsearch, MissingError


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Any]:
    """The server: the one of `ELASTICSEARCH_URL`, else one of the tests' own."""
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
        """The product's own client."""
        from search.connection import client

        return client()

    @property
    def kinds(self):
        """Definitions and tokens."""
        from search.kinds import ALL

        return list(ALL.values())

    def build(self) -> None:
        """Fill new indices."""
        from search.mending import rebuild

        for kind in self.kinds:
            rebuild(kind)

    def empty(self) -> bool:
        """Take all documents out of the indices; whether these are now like new ones."""
        from search import indices
        from search.draining import bring

        if any(indices.fault(kind) for kind in self.kinds):
            return False
        for kind in self.kinds:
            bring(kind, list(self.documents(kind.name)))
        return not any(self.documents(kind.name) for kind in self.kinds)

    def drain(self) -> int:
        """Bring all that waits."""
        from search.draining import drain

        total = 0
        while done := drain():
            total += done
        return total

    def check(self) -> dict[str, Any]:
        """What a check finds, by kind; only where it finds something."""
        from search.checking import check

        found = {kind.name: check(kind) for kind in self.kinds}
        return {name: findings for name, findings in found.items() if findings}

    def documents(self, kind: str = "definitions") -> dict[str, dict[str, Any]]:
        """All documents of a kind, by id."""
        index = f"{self.prefix}-{kind}"
        self.client.indices.refresh(index=index)
        hits = self.client.search(index=index, size=1_000)["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def use(self, url: str) -> None:
        """From here on the product reaches Elasticsearch at `url`."""
        from search.connection import client
        from search.finding import rest

        self.settings.ELASTICSEARCH_URL = [url]
        client.cache_clear()
        rest.end()

    def environment(self) -> dict[str, str]:
        """What a process of the product has to know."""
        return {
            "ELASTICSEARCH_URL": self.settings.ELASTICSEARCH_URL[0],
            "ELASTICSEARCH_USER": self.settings.ELASTICSEARCH_USER,
            "ELASTICSEARCH_PASSWORD": self.settings.ELASTICSEARCH_PASSWORD,
            "ELASTICSEARCH_PREFIX": self.prefix,
        }


@pytest.fixture(scope="session")
def prefix(elasticsearch):
    """What the names of the indices of this process begin with; they are gone at the end."""
    prefix = f"test-{secrets.token_hex(4)}"
    yield prefix
    login = (USER, elasticsearch.password) if elasticsearch.password else None
    found = httpx.get(f"{elasticsearch.url}/{prefix}-*?expand_wildcards=all", auth=login)
    for name in found.json():
        httpx.delete(f"{elasticsearch.url}/{name}", auth=login)


@pytest.fixture
def mirror_settings(settings, elasticsearch, prefix, monkeypatch):
    """The mirror is configured, with names of its own."""
    import search.finding  # noqa: F401  it answers searches
    from search import checking

    monkeypatch.setattr(switch, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(checking, "PAUSE_SECONDS", 0.1)
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
    """The mirror of an empty database; its indices are those of the test before where that has left them whole."""
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
    """Starts background programs, with the mirror's environment or the one that is given."""
    started: list[subprocess.Popen[bytes]] = []

    def background(environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with stack.redis_client() as client:
            # It does not wait until the lease of one that was killed has ended; tests/fleet shows that.
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
    """Waits until something is so."""

    def eventually(condition, seconds: float = 60, what: str = "") -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
            time.sleep(0.1)

    return eventually


class Silent:
    """Takes connections and says nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def connections(self) -> int:
        """How many there were."""
        self._listener.settimeout(0.2)
        count = 0
        try:
            while True:
                self._listener.accept()[0].close()
                count += 1
        except TimeoutError:
            return count

    def close(self) -> None:
        """Nobody listens any more."""
        self._listener.close()


@pytest.fixture
def silent_port():
    """A port behind which nobody ever answers."""
    silent = Silent()
    yield silent
    silent.close()
