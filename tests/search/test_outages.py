"""The mirror's tasks while Elasticsearch is down, slow or full, and while their program is killed."""

import os
import statistics
import subprocess
from contextlib import contextmanager

import pytest

from events.models import InformationEvent
from search import state
from search.models import Copy, Intent, Mirror
from testbed.elasticsearch_proxy import AWAY, BUSY, OK, Proxy
from testbed.mirror_changes import KINDS, Changes
from testbed.stack import PYTHON, ROOT

TURNS, A_TURN = 3, len(KINDS)


@pytest.fixture
def proxy(mirror):
    """A proxy between the product and Elasticsearch."""
    proxy = Proxy(mirror.server.url)
    mirror.use(proxy.url)
    yield proxy
    mirror.use(mirror.server.url)
    proxy.close()


@pytest.fixture
def changes(mirror, publish, tmp_path):
    """Makes changes of every kind."""
    changes = Changes(publish, tmp_path)
    yield changes
    changes.close()


def test_changes_arrive_despite_outages_and_kills_and_are_not_slower(mirror, proxy, background, changes, eventually):
    """A short version of `python -m benchmarks.outages`."""
    process = background()
    eventually(lambda: state.current().is_reachable, what="the background program")
    up, down = [], []
    for _ in range(TURNS):
        up += changes.make(A_TURN)
        proxy.mode = AWAY
        down += changes.make(A_TURN)
        proxy.mode = OK
    proxy.delay = 0.1
    for mode in (OK, BUSY, AWAY):
        process.kill()
        process.wait()
        proxy.mode = mode
        before = proxy.requests
        process = background()
        changes.make(A_TURN)
        eventually(lambda before=before: proxy.requests > before, what="a request of the next program")
    proxy.mode, proxy.delay = OK, 0
    eventually(lambda: state.current().backlog == 0 and mirror.check() == {}, what="all changes")
    assert process.poll() is None
    # `benchmarks` measures how fast changes are. Here, they only must not wait for Elasticsearch.
    assert statistics.median(down) < 3 * statistics.median(up) + 0.3


def test_background_program_brings_a_change_soon_and_ends_in_order(mirror, background, stack, publish, eventually):
    process = background()
    eventually(lambda: state.current().is_reachable, what="the background program")
    api = publish()
    eventually(lambda: str(api.definition.pk) in mirror.documents(), what="the document")
    process.terminate()
    assert process.wait(30) == 0
    with stack.redis_client() as client:
        assert client.keys(f"{stack.prefix}lease:*") == []


def test_second_background_program_takes_over_from_a_killed_one(mirror, background, publish, eventually):
    first, _second = background(), background()
    eventually(lambda: state.current().is_reachable, what="the first")
    first.kill()
    first.wait()
    api = publish()
    eventually(lambda: str(api.definition.pk) in mirror.documents(), what="the document")


def test_existing_objects_are_indexed_when_the_mirror_is_turned_on(mirror, background, publish, eventually):
    for index in mirror.client.indices.get(index=f"{mirror.prefix}-*"):
        mirror.client.indices.delete(index=index)
    api = publish()
    for model in (Intent, Copy, Mirror):
        model.objects.all().delete()
    background()
    eventually(lambda: Copy.get("definitions").checked_at and Copy.get("tokens").checked_at, what="the first fill")
    assert str(api.definition.pk) in mirror.documents()
    assert mirror.check() == {}
    assert not InformationEvent.objects.filter(object_type="SearchMirror").exists(), "the first fill left an event"


def test_change_that_meets_a_missing_index_has_it_repaired(mirror, background, publish, eventually):
    background()
    eventually(lambda: Copy.get("tokens").checked_at, what="the first check")
    (index,) = mirror.client.indices.get(index=f"{mirror.prefix}-definitions")
    mirror.client.indices.delete(index=index)
    api = publish()
    eventually(lambda: Copy.get("definitions").repaired_at, what="the repair")
    eventually(lambda: str(api.definition.pk) in mirror.documents(), what="the document")
    eventually(lambda: Copy.get("definitions").fault == "", what="the check of the repaired index")
    assert InformationEvent.objects.filter(object_type="SearchMirror").count() == 1


def test_mirror_follow_brings_changes_without_a_background_program(mirror, stack, publish, eventually):
    command = [PYTHON, "manage.py", "mirror", "follow"]
    environment = {"PATH": os.environ["PATH"]} | stack.environment | mirror.environment()
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        api = publish()
        eventually(lambda: str(api.definition.pk) in mirror.documents(), what="the document")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()


@contextmanager
def _blocked(mirror):
    (index,) = mirror.client.indices.get(index=f"{mirror.prefix}-tokens")
    mirror.client.indices.put_settings(index=index, settings={"index.blocks.write": True})
    yield
    mirror.client.indices.put_settings(index=index, settings={"index.blocks.write": None})


def test_read_only_index_keeps_changes_waiting(mirror, publish):
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
