"""Whether the mirror is on: a cheap question where it is off, and soon known everywhere once it is turned on."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from objects.changes import save_checked
from search import state
from search.models import Copy, Intent, Mirror
from search.state import switch


@pytest.fixture
def without(mirror, settings):
    """A process without `ELASTICSEARCH_URL`, in a fleet without a mirror."""
    switch.turn_off()
    switch.forget()
    settings.ELASTICSEARCH_URL = []
    yield mirror
    switch.forget()


def test_mirror_that_is_off_costs_one_query_for_several_changes(without, publish, monkeypatch):
    monkeypatch.setattr(state, "OFF_SECONDS", 600)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            publish()
    assert len([each for each in queries if "search_mirror" in each["sql"]]) == 1
    assert not Intent.objects.exists()


def test_process_that_has_cached_off_notices_that_the_mirror_was_turned_on(without, publish, eventually):
    publish()
    assert not Intent.objects.exists()
    # Another process turns it on, and then waits until no process has "off" cached any more.
    Mirror.change(is_on=True)
    eventually(switch.is_on, what="the cache to expire")
    publish.token()
    assert Intent.objects.count() == 1


def test_turning_on_waits_longer_than_off_is_cached():
    assert state.SETTLE_SECONDS > 1.5 * state.OFF_SECONDS


def test_process_that_turns_the_mirror_on_writes_intents_at_once(without, publish):
    publish()
    switch.turn_on()
    publish.token()
    assert Intent.objects.count() == 1


def test_changes_made_while_the_mirror_was_off_are_found_when_it_is_on_again(without, background, publish, eventually):
    api = publish()
    api.definition.name = "while it was off"
    save_checked(api.definition, "ann")
    without.use(without.server.url)
    background()
    eventually(lambda: str(api.definition.pk) in without.documents(), what="the document")
    eventually(lambda: Copy.get("tokens").checked_at and without.check() == {}, what="the rest")
