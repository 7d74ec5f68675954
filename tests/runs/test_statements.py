"""What scripts say becomes events of theirs: once, together with the run, and only where there is a script."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import InformationEvent
from fleet.records import LONGEST_SAID, MOST_SAID, Authority, RunStatus
from foundation.times import now_milliseconds
from hosts.jobs import RunKind
from runs import store
from runs.models import Run, RunLog
from runs.selection import lines_of
from tests.race import race
from tests.runs.records import ended, hand_over, id_at, seen


@pytest.fixture
def script(publish):
    return publish.script(name="poll")


def run_of(script, *said, **values):
    """The record of a run of `script` that says these texts."""
    pairs = [each if isinstance(each, tuple) else (now_milliseconds(), each) for each in said]
    told: dict[str, Any] = {"script_id": str(script.pk), "script_version": 1, "said": pairs}
    return ended(**told | values)


@transaction.atomic
def stored_together(records):
    store.store_records(records)


def said(script=None):
    found = InformationEvent.objects.filter(verb="said").order_by("number")
    found = found.filter(object_id=script.pk) if script else found
    return [event.message.partition(" says: ")[2] for event in found]


def test_what_a_script_says_is_an_event_of_the_script(script):
    accepted = timezone.now() - timedelta(seconds=9)
    at = round((accepted + timedelta(seconds=5)).timestamp() * 1_000)
    stored_together([run_of(script, (at, "3 encoders are offline"), id=id_at(accepted))])
    event = InformationEvent.objects.get(verb="said")
    assert event.message == f"AutomationScript 'poll' ({script.pk}) says: 3 encoders are offline"
    assert (event.object_type, event.object_id, event.properties) == ("AutomationScript", script.pk, {"name": "poll"})
    assert (event.user, event.user_name) == ("system", "system")
    assert event.time == datetime.fromtimestamp(at / 1_000, UTC)


def test_batch_that_is_stored_again_says_nothing_twice(no_runs, script):
    """Its process is killed after the commit, before the batch leaves the buffer."""
    hand_over(run_of(script, "one", "two"), run_of(script, "three"))
    store._store(store._read(), {})
    assert len(said()) == 3
    assert store.store_all() == 2
    assert sorted(said()) == ["one", "three", "two"]
    assert Run.objects.count() == 2


def test_other_records_of_the_run_change_nothing(script):
    """The caller was told something else, before and after; a first look has seen it run."""
    record = run_of(script, "one", "two")
    told = ended(RunStatus.UNANSWERED, id=record.id, authority=Authority.TOLD)
    running = seen(Authority.SEEN_RUNNING, RunStatus.RUNNING, id=record.id)
    for found in ([running], [told], [record, told], [record, record], [told, running]):
        stored_together(found)
    assert said() == ["one", "two"]


def test_processes_that_store_a_batch_at_the_same_moment_write_each_event_once(script):
    records = [run_of(script, f"{number} a", f"{number} b") for number in range(50)]

    assert race(lambda: stored_together(records), lambda: stored_together(records[::-1])) == [None, None]
    assert len(said()) == len(set(said())) == 100


def test_run_and_events_are_stored_together_or_not_at_all(no_runs, script):
    hand_over(run_of(script, "one"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_informationevent RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseError):
            store.store_all()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO events_informationevent")
    assert not Run.objects.exists()
    assert store.store_all() == 1
    assert (Run.objects.count(), said()) == (1, ["one"])


def test_record_that_is_refused_says_nothing_and_does_not_silence_the_others(no_runs, script):
    hand_over(run_of(script, "good"), run_of(script, "bad", id="no id"))
    store.store_all()
    assert said() == ["good"]


def test_runs_without_a_stored_script_leave_no_events(publish, script):
    gone = publish.script(name="gone")
    stored_together(
        [
            run_of(gone, "deleted", script_id=str(uuid4())),
            run_of(script, "unsaved", kind=RunKind.TRIAL, script_version=0),
            run_of(script, "no id", script_id="none"),
            run_of(script, "never said by a node", authority=Authority.TOLD),
            run_of(script, kind=RunKind.TRIAL, said=[]),
            run_of(script, "tried as it is stored", kind=RunKind.TRIAL),
        ]
    )
    assert Run.objects.count() == 6
    assert said() == ["tried as it is stored"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\0b\ud800", "a\\x00b?"),
        (" two\r\n\tlines\u2028more ", "two lines more"),
        ("\x1b[2J\x9b", "\\x1b[2J\\x9b"),
        ("\u202edesrever\u2066", "\\u202edesrever\\u2066"),
        ("naïve ☂ {x} %s", "naïve ☂ {x} %s"),
    ],
)
def test_text_is_one_line_that_every_database_and_terminal_takes(no_runs, script, text, shown):
    hand_over(run_of(script, text, "", " \n "))
    store.store_all()
    assert said() == [shown]


def test_no_more_is_taken_than_a_script_may_say(no_runs, script):
    hand_over(run_of(script, *["x" * 5_000] * 15))
    store.store_all()
    assert said() == ["x" * LONGEST_SAID] * MOST_SAID


@pytest.mark.parametrize("moment", [-(2**62), 0, 2**62])
def test_time_that_cannot_be_is_that_of_the_run_or_now(script, moment):
    accepted = timezone.now() - timedelta(minutes=1)
    stored_together([run_of(script, (moment, "x"), id=id_at(accepted))])
    assert accepted - timedelta(milliseconds=1) <= InformationEvent.objects.get(verb="said").time <= timezone.now()


STORED = ('"runs_run"', '"runs_series"', '"runs_runcounter"')


def further_queries(records):
    """The statements on other tables than those of runs and their statistics."""
    with CaptureQueriesContext(connection) as captured:
        stored_together(records)
    found = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "INSERT", "UPDATE"))]
    return [statement for statement in found if not any(table in statement for table in STORED)]


def test_batch_costs_two_statements_for_all_that_was_said_and_none_otherwise(publish, script):
    other = publish.script(name="other")
    assert further_queries([ended(script_id=str(script.pk), script_version=1)]) == []
    talkative = [run_of(each, *"abc") for each in (script, other) for _ in range(5)]
    names, events = further_queries(talkative)
    assert names.startswith("SELECT")
    assert events.startswith("INSERT")
    assert len(said(script)) == len(said(other)) == 15


def test_statement_of_several_lines_has_as_many_in_the_log(stack, publish, stored):
    says = """
from automation.sdk import *

def on_api_trigger(engine, request):
    engine.information("one\\ntwo\\r\\n\\ud8003\\tx")
    engine._information("y" * 50_000)  # past the SDK
    return ApiTriggerOutput()
"""
    api = publish(says)
    run = stored(api.call(stack.client).headers["X-Trigger-Id"])
    texts = [line.text for line in lines_of(RunLog.objects.get(pk=run.pk).text)]
    assert texts == ["[information] one", "two", "?3\tx", f"[information] {'y' * (LONGEST_SAID - 1)}…"]
    assert said(api.definition.script) == ["one two ?3 x", "y" * (LONGEST_SAID - 1) + "…"]
