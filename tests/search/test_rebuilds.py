"""Of several rebuilds of a kind one publishes. One that was given up or began too late never moves the alias."""

import os
import signal
import subprocess
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from search import indices
from search.connection import MirrorError
from search.models import Copy
from search.rebuild import GIVEN_UP_SECONDS, MirrorBusyError, SupersededError, rebuild
from testbed.elasticsearch_proxy import Proxy
from testbed.stack import PYTHON, ROOT
from tests.race import race


@pytest.fixture
def kind(mirror):
    """The kind of definitions."""
    return mirror.kinds[0]


@pytest.fixture
def apis(mirror, publish):
    """Some definitions and tokens, mirrored."""
    apis = [publish() for _ in range(5)]
    mirror.drain()
    return apis


class Rebuild(threading.Thread):
    """A rebuild in a thread, which pauses after its first page until `end` is called."""

    def __init__(self, kind) -> None:
        super().__init__()
        self._kind = kind
        self._outcome: object = None
        self._stands_still, self._goes_on = threading.Event(), threading.Event()
        self.start()
        assert self._stands_still.wait(60)

    def run(self) -> None:
        try:
            self._outcome = rebuild(self._kind, self._stand_still)
        except (MirrorBusyError, MirrorError) as error:
            self._outcome = error
        finally:
            connections.close_all()

    def _stand_still(self) -> None:
        self._stands_still.set()
        self._goes_on.wait(60)

    def end(self):
        """Continue; returns what the rebuild returned or raised."""
        self._goes_on.set()
        self.join(60)
        return self._outcome


def give_up(kind) -> None:
    """Make the rebuild look as if it had made no progress for `GIVEN_UP_SECONDS`."""
    Copy.change(kind.name, filled_at=timezone.now() - timedelta(seconds=GIVEN_UP_SECONDS + 1))


def behind(mirror, kind) -> set[str]:
    """The indices behind the alias."""
    return set(mirror.client.indices.get(index=kind.alias))


def everything(mirror, kind) -> set[str]:
    """All indices of the kind."""
    return set(mirror.client.indices.get(index=kind.indices, expand_wildcards="all"))


def test_an_abandoned_rebuild_does_not_replace_its_successor(apis, mirror, kind, publish):
    given_up = Rebuild(kind)
    give_up(kind)
    assert rebuild(kind) == len(apis)
    successor = behind(mirror, kind)
    publish()
    mirror.drain()
    assert isinstance(given_up.end(), SupersededError)
    assert behind(mirror, kind) == everything(mirror, kind) == successor
    assert mirror.check() == {}


def test_an_abandoned_rebuild_does_not_publish_before_its_successor(apis, mirror, kind, publish):
    before = behind(mirror, kind)
    given_up = Rebuild(kind)
    give_up(kind)
    successor = Rebuild(kind)
    publish()
    mirror.drain()
    assert isinstance(given_up.end(), SupersededError)
    assert behind(mirror, kind) == before
    # The new one is included if its id comes last.
    assert successor.end() in (len(apis), len(apis) + 1)
    assert behind(mirror, kind) == everything(mirror, kind) != before
    assert mirror.check() == {}


def test_rebuild_of_a_process_that_was_suspended_does_not_publish(apis, mirror, kind, stack, eventually):
    slow = Proxy(mirror.server.url)
    slow.delay = 1
    environment = stack.environment | mirror.environment() | {"PATH": os.environ["PATH"], "ELASTICSEARCH_URL": slow.url}
    command = [PYTHON, "manage.py", "mirror", "rebuild", kind.name]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as stopped:
        try:
            eventually(lambda: Copy.get(kind.name).filling, what="the beginning of the rebuild")
            stopped.send_signal(signal.SIGSTOP)
            give_up(kind)
            rebuild(kind)
            successor = behind(mirror, kind)
            stopped.send_signal(signal.SIGCONT)
            _, words = stopped.communicate(timeout=60)
        finally:
            stopped.kill()
            slow.close()
    assert stopped.returncode == 1
    assert "Another process has given up the rebuild" in words
    assert behind(mirror, kind) == everything(mirror, kind) == successor
    assert mirror.check() == {}


def test_of_two_rebuilds_that_begin_at_once_one_publishes(apis, mirror, kind):
    outcomes = race(lambda: rebuild(kind), lambda: rebuild(kind))
    assert [outcome for outcome in outcomes if outcome == len(apis)], outcomes
    assert all(outcome == len(apis) or isinstance(outcome, MirrorBusyError) for outcome in outcomes), outcomes
    assert len(everything(mirror, kind)) == 1
    assert Copy.get(kind.name).filling == ""
    assert mirror.check() == {}


def test_an_index_without_its_mark_cannot_be_published(apis, mirror, kind):
    before = behind(mirror, kind)
    index = indices.create(kind)
    indices.forbid(index)
    assert not indices.publish(kind, index)
    assert behind(mirror, kind) == before
    indices.remove_leftovers(kind)
    assert everything(mirror, kind) == before


def test_indices_that_are_published_or_being_filled_are_no_leftovers(apis, mirror, kind):
    left, filling = indices.create(kind), indices.create(kind)
    indices.remove_leftovers(kind, filling)
    assert everything(mirror, kind) == behind(mirror, kind) | {filling}
    assert left not in everything(mirror, kind)
    indices.remove({filling})


def test_a_published_index_has_no_mark_left(apis, mirror, kind):
    rebuild(kind)
    (index,) = behind(mirror, kind)
    assert mirror.client.indices.get_alias(index=index)[index]["aliases"].keys() == {kind.alias}
