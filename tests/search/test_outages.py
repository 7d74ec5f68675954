"""The process that keeps the mirror, while Elasticsearch goes away, is slow or full, and while it is killed itself."""

import statistics
import time
from contextlib import contextmanager

import pytest

from search import state
from search.models import Copy, Intent, Mirror
from tests.search.changes import Changes
from tests.search.proxy import AWAY, BUSY, OK, Proxy

TURNS, A_TURN = 3, 22


@pytest.fixture
def proxy(mirror):
    """The product reaches Elasticsearch through it."""
    proxy = Proxy(mirror.server.url)
    mirror.use(proxy.url)
    yield proxy
    mirror.use(mirror.server.url)
    proxy.close()


def _keeps(process):
    return lambda: f"/{process.pid}/" in Mirror.get().keeper


@pytest.fixture
def changes(mirror, publish, tmp_path):
    """Makes mixed changes."""
    changes = Changes(publish, tmp_path)
    yield changes
    changes.close()


def test_changes_arrive_through_outages_and_kills_and_are_not_slowed(mirror, proxy, follower, changes, eventually):
    """The short form of `python -m benchmarks.outages`."""
    process = follower()
    eventually(lambda: state.current().is_reachable, what="the follower")
    up, down = [], []
    for _ in range(TURNS):
        up += changes.make(A_TURN)
        proxy.mode = AWAY
        down += changes.make(A_TURN)
        proxy.mode = OK
    proxy.delay = 0.1
    for mode in (OK, BUSY, AWAY, OK, BUSY):
        process.kill()
        process.wait()
        proxy.mode = mode
        process = follower()
        changes.make(11)
        eventually(_keeps(process), what="the next follower")
    proxy.mode, proxy.delay = OK, 0
    eventually(lambda: state.current().backlog == 0 and mirror.check() == {}, what="all to arrive")
    assert process.poll() is None
    # How fast is measured by `benchmarks`; here only that a change never waits for Elasticsearch.
    assert statistics.median(down) < 3 * statistics.median(up) + 0.05


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
    eventually(_keeps(second), what="the second")


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
