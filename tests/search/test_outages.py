"""The process that keeps the mirror, while Elasticsearch goes away, is slow or full, and while it is killed itself."""

import random
import statistics
import time
from contextlib import contextmanager

import pytest
from django.db import transaction

from access.changes import delete_checked, save_checked
from definitions.changes import save_definition
from search import state
from search.models import Copy, Intent, Mirror
from tests.search.proxy import AWAY, BUSY, OK, Proxy

CHANGES = 120


@pytest.fixture
def proxy(mirror):
    """The product reaches Elasticsearch through it."""
    proxy = Proxy(mirror.server.url)
    mirror.use(proxy.url)
    yield proxy
    mirror.use(mirror.server.url)
    proxy.close()


class Changes:
    """Mixed changes, and how long each took."""

    def __init__(self, publish) -> None:
        self._chance = random.Random(7)
        self._publish = publish
        self._apis = [publish() for _ in range(6)]

    def make(self, count: int) -> list[float]:
        """So many; how long saving took."""
        took = []
        for number in range(count):
            began = time.perf_counter()
            self._one(f"{number} {self._chance.random()}")
            took.append(time.perf_counter() - began)
        return took

    def _one(self, text: str) -> None:
        api = self._chance.choice(self._apis)
        match self._chance.randrange(6):
            case 0:
                api.token.name = text
                save_checked(api.token, "ann")
            case 1:
                api.token.is_disabled = not api.token.is_disabled
                save_checked(api.token, "ann")
            case 2:
                save_definition(api.definition, "ann", [self._chance.choice(self._apis).token])
            case 3:
                with transaction.atomic():
                    save_definition(api.definition, "ann", [])
                    transaction.set_rollback(True)
            case 4:
                delete_checked(api.definition, "ann")
                self._apis.remove(api)
                self._apis.append(self._publish())
            case _:
                api.definition.name = text
                save_checked(api.definition, "ann")


def test_changes_arrive_through_outages_and_kills_and_are_not_slowed(mirror, proxy, follower, publish, eventually):
    changes = Changes(publish)
    process = follower()
    eventually(lambda: state.current().is_reachable, what="the follower")
    up = changes.make(CHANGES)
    proxy.mode = AWAY
    down = changes.make(CHANGES)
    for mode in (OK, BUSY, AWAY, OK):
        process.kill()
        process.wait()
        proxy.mode = mode
        proxy.delay = 0.2
        process = follower()
        changes.make(CHANGES // 6)
        time.sleep(1)
    proxy.delay = 0
    eventually(lambda: state.current().backlog == 0 and mirror.check() == {}, what="all to arrive")
    assert process.poll() is None
    # How fast is measured by `benchmarks`; here only that a change never waits for Elasticsearch.
    assert statistics.median(down) < 5 * statistics.median(up) + 0.05


def test_a_commit_is_seen_soon_and_the_end_is_in_order(mirror, follower, publish, eventually):
    process = follower()
    eventually(lambda: state.current().is_reachable, what="the follower")
    api = publish()
    eventually(lambda: str(api.definition.pk) in mirror.documents(), what="the document")
    process.terminate()
    assert process.wait(30) == 0
    assert Mirror.get().keeper == ""


def test_one_keeps_the_mirror_and_the_next_takes_over(mirror, follower, publish, eventually):
    first = follower()
    eventually(lambda: Mirror.get().keeper != "", what="the first")
    second = follower()
    time.sleep(1)
    assert f"/{first.pid}/" in Mirror.get().keeper
    first.kill()
    first.wait()
    eventually(lambda: f"/{second.pid}/" in Mirror.get().keeper, what="the second")


def test_what_was_there_before_is_indexed_when_the_mirror_is_turned_on(mirror, follower, publish, eventually):
    for index in mirror.client.indices.get(index=f"{mirror.prefix}-*"):
        mirror.client.indices.delete(index=index)
    api = publish()
    for model in (Intent, Copy, Mirror):
        model.objects.all().delete()
    follower()
    eventually(lambda: state.current().is_reachable and state.current().is_on, what="the first fill")
    assert str(api.definition.pk) in mirror.documents()
    assert mirror.check() == {}


@contextmanager
def _blocked(mirror):
    (index,) = mirror.client.indices.get(index=f"{mirror.prefix}-tokens")
    mirror.client.indices.put_settings(index=index, settings={"index.blocks.write": True})
    yield
    mirror.client.indices.put_settings(index=index, settings={"index.blocks.write": None})


def test_a_read_only_index_keeps_changes_waiting(mirror, publish):
    from search.connection import MirrorError
    from search.models import SetAside

    with _blocked(mirror):
        token, _ = publish.token()
        with pytest.raises(MirrorError):
            mirror.drain()
        assert "blocked" in mirror.check()["tokens"].fault
    mirror.drain()
    assert str(token.pk) in mirror.documents("tokens")
    assert not SetAside.objects.exists()
