"""Which APIs fail, and that each change leaves one event."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from broker.client import client
from events.models import InformationEvent
from fleet.records import RunStatus
from objects.changes import delete_checked
from runs import failing_apis, observation, store
from runs.models import FailingApi, Run
from testbed.publisher import ECHO
from tests.race import race
from tests.runs.records import ended, hand_over, id_at

FAILED, SUCCEEDED, UNANSWERED = RunStatus.FAILED, RunStatus.SUCCEEDED, RunStatus.UNANSWERED


RAISES = """
def on_api_trigger(engine, request):
    print("about to fail \\ud800")
    raise ValueError("lone \\ud800")
"""


@pytest.fixture
def definition(no_runs, publish):
    """A definition whose events are not counted so far."""
    definition = publish(ECHO, route="encoders/status").definition
    InformationEvent._base_manager.all()._raw_delete("default")
    return definition


def run_of(definition, *statuses: RunStatus, age: timedelta = timedelta(seconds=1)) -> None:
    """The API is called, and its runs are stored."""
    moment = timezone.now() - age
    hand_over(*(ended(status, id=id_at(moment), definition_id=str(definition.pk)) for status in statuses))
    store.store_all()


def messages() -> list[str]:
    return list(InformationEvent.objects.order_by("number").values_list("message", flat=True))


def make_older(minutes: int) -> None:
    for run in Run.objects.all():
        Run.objects.filter(pk=run.pk).update(id=UUID(int=run.pk.int - (minutes * 60_000 << 80)))


def test_an_api_fails_at_five_runs_and_half_of_them(definition):
    run_of(definition, *[SUCCEEDED] * 4, *[FAILED] * 4)
    assert messages() == []
    run_of(definition, UNANSWERED)
    row = FailingApi.objects.get()
    assert (row.pk, row.failed, row.runs) == (definition.pk, 5, 9)
    assert Run.objects.get(pk=row.last_run_id).status == UNANSWERED
    said = f"ApiDefinition with route 'encoders/status' ({definition.pk}) is failing: 5 of 9 runs in 5 minutes"
    assert messages() == [said]
    event = InformationEvent.objects.get()
    assert (event.verb, event.user, event.object_type) == ("failing", "system", "ApiDefinition")
    assert event.properties["route"] == "encoders/status"


def test_an_api_whose_script_raises_fails(no_runs, publish, stored):
    """Also with an error and a log that no UTF-8 can hold."""
    api = publish(RAISES)
    answers = [api.call(no_runs.client) for _ in range(failing_apis.LEAST_FAILURES)]
    assert {answer.json()["errors"][0]["errorCode"] for answer in answers} == {12}
    run = stored(answers[-1].headers["X-Trigger-Id"])
    assert ": ValueError: lone " in run.message
    (shown,) = failing_apis.current()
    assert (shown.definition, shown.row.failed) == (api.definition, 5)
    assert shown.last_run is not None and shown.last_run.error_code == 12


def test_what_users_try_and_repeat_does_not_count(definition):
    def tried(status, count):
        kinds = ["Trial", "Replay"] * count
        hand_over(*(ended(status, kind=kind, definition_id=str(definition.pk)) for kind in kinds))
        store.store_all()

    tried(FAILED, 5)
    assert messages() == []
    run_of(definition, *[FAILED] * 5)
    tried(SUCCEEDED, 9)
    assert FailingApi.objects.get().runs == 5
    assert len(messages()) == 1


def test_less_than_half_is_no_failure(definition):
    run_of(definition, *[SUCCEEDED] * 6, *[FAILED] * 5)
    assert (FailingApi.objects.count(), messages()) == (0, [])


def test_refused_cancelled_and_unstarted_runs_do_not_count(definition):
    others = [RunStatus.REFUSED, RunStatus.CANCELLED, RunStatus.NEVER_STARTED, RunStatus.RUNNING] * 5
    run_of(definition, *others, *[FAILED] * 5)
    assert (FailingApi.objects.get().failed, FailingApi.objects.get().runs) == (5, 5)


def test_runs_of_other_apis_and_of_earlier_times_do_not_count(definition, publish):
    run_of(publish(ECHO).definition, *[FAILED] * 4)
    run_of(definition, *[FAILED] * 4, age=timedelta(minutes=6))
    run_of(definition, *[FAILED] * 4)
    assert not FailingApi.objects.exists()


def test_an_api_recovers_with_a_success_when_less_than_half_fail(definition):
    run_of(definition, *[FAILED] * 5)
    run_of(definition, *[SUCCEEDED] * 5)
    assert FailingApi.objects.get().runs == 10
    run_of(definition, SUCCEEDED)
    assert not FailingApi.objects.exists()
    assert messages()[1:] == [f"ApiDefinition with route 'encoders/status' ({definition.pk}) has recovered"]
    assert InformationEvent.objects.latest("number").verb == "recovered"


def test_without_calls_an_api_still_fails_and_keeps_its_figures(definition):
    run_of(definition, *[FAILED] * 7, *[SUCCEEDED] * 2)
    make_older(6)
    store.store_all()
    assert (FailingApi.objects.get().failed, FailingApi.objects.get().runs) == (7, 9)
    run_of(definition, FAILED)
    assert FailingApi.objects.get().runs == 9
    run_of(definition, SUCCEEDED, SUCCEEDED)
    assert not FailingApi.objects.exists()
    assert len(messages()) == 2


def test_of_many_runs_the_latest_thousand_tell(definition):
    run_of(definition, *[SUCCEEDED] * 1_100, age=timedelta(minutes=2))
    run_of(definition, *[FAILED] * 600)
    assert messages()[0].endswith("is failing: 600 of the last 1000 runs")


def test_two_processes_that_notice_at_once_leave_one_event(definition):
    statuses = [FAILED] * 6
    hand_over(*(ended(status, definition_id=str(definition.pk)) for status in statuses))
    store._store(store._read(), {})
    look = [lambda: failing_apis.check({definition.pk})] * 3
    assert race(*look) == [None] * 3
    assert len(messages()) == 1
    run_ids = Run.objects.values_list("pk", flat=True)
    Run.objects.filter(pk__in=list(run_ids)[:5]).update(status=SUCCEEDED)
    assert race(*look) == [None] * 3
    assert [message.rpartition(") ")[2] for message in messages()] == [
        "is failing: 6 of 6 runs in 5 minutes",
        "has recovered",
    ]


def test_a_deleted_api_is_no_longer_failing(definition):
    run_of(definition, *[FAILED] * 5)
    delete_checked(definition, "jane")
    store.store_all()
    assert not FailingApi.objects.exists()
    assert [each.verb for each in InformationEvent.objects.order_by("number")] == ["failing", "deleted"]


def test_only_enabled_apis_are_shown_as_failing(definition):
    run_of(definition, *[FAILED] * 5)
    (shown,) = failing_apis.current()
    assert shown.definition == definition
    assert shown.last_run is not None and shown.last_run.status == FAILED
    definition.is_disabled = True
    definition.save()
    assert failing_apis.current() == []
    assert FailingApi.objects.exists()


def test_runs_that_are_given_up_make_an_api_fail(definition):
    lost = [ended(RunStatus.RUNNING, authority=1, kind="Message", definition_id=str(definition.pk)) for _ in range(5)]
    hand_over(*lost)
    store.store_all()
    observation.observe()
    unseen = client().hgetall(observation._unseen_key())
    client().hset(observation._unseen_key(), mapping=dict.fromkeys(unseen, 0))
    observation.observe()
    assert {(run.status, run.kind) for run in Run.objects.all()} == {("Unanswered", "Message")}
    assert FailingApi.objects.get().failed == 5
