"""Whether there is a mirror: cheap to know where there is none, and known everywhere soon after it is turned on."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from objects.changes import save_checked
from search import switch
from search.models import Copy, Intent, Mirror


@pytest.fixture
def without(mirror, settings, monkeypatch):
    """A process without `ELASTICSEARCH_URL`, in a fleet without a mirror."""
    switch.turn_off()
    monkeypatch.setattr(switch._Belief, "until", 0.0)
    settings.ELASTICSEARCH_URL = []
    return mirror


def test_it_is_not_asked_before_every_change(without, publish, monkeypatch):
    monkeypatch.setattr(switch, "OFF_SECONDS", 600)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for _ in range(5):
            publish()
    assert len([each for each in queries if "search_mirror" in each["sql"]]) == 1
    assert not Intent.objects.exists()


def test_who_believes_that_it_is_off_learns_the_contrary_before_anybody_relies_on_it(without, publish, eventually):
    publish()
    assert not Intent.objects.exists()
    # Another process turns it on, and then waits longer than this one goes on to believe.
    Mirror.change(is_on=True)
    eventually(switch.is_on, what="the news")
    publish.token()
    assert Intent.objects.count() == 1


def test_the_wait_is_longer_than_the_belief():
    assert switch.SETTLE_SECONDS > 1.5 * switch.OFF_SECONDS


def test_a_process_that_turns_it_on_knows_at_once(without, publish):
    publish()
    switch.turn_on()
    publish.token()
    assert Intent.objects.count() == 1


def test_what_changed_while_it_was_off_is_found_when_it_is_on_again(without, background, publish, eventually):
    api = publish()
    api.definition.name = "while it was off"
    save_checked(api.definition, "ann")
    without.use(without.server.url)
    background()
    eventually(lambda: str(api.definition.pk) in without.documents(), what="the document")
    eventually(lambda: Copy.get("tokens").checked_at and without.check() == {}, what="the rest")
