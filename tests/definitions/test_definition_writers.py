"""Two writers of definitions, tokens and scripts at the same moment."""

import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.models.signals import pre_delete

from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
from objects.changes import delete_checked, save_checked
from testbed.publisher import Publisher
from tests.race import race, refusals
from tests.refusals import only_reason
from tokens.models import ApiToken

ROUNDS = 5


@pytest.fixture
def publisher(open_db):
    return Publisher()


def _no_row_dangles() -> None:
    connection.check_constraints()
    tokens, definitions = (
        set(ApiToken.objects.values_list("pk", flat=True)),
        set(ApiDefinition.objects.values_list("pk", flat=True)),
    )
    for row in AllowedToken.objects.all():
        assert row.token_id in tokens
        assert row.definition_id in definitions


@pytest.mark.parametrize("writers", [2, 6])
def test_the_same_route_created_at_once_is_kept_once(publisher, writers):
    script = publisher.script()
    spellings = ["Tickets/{id}", "tickets/{ticketId}", "TICKETS/{a}", "tickets/{b}", "tickeTs/{c}", "tickets/{d}"]

    def create(route):
        return lambda: save_definition(ApiDefinition(route=route, script=script), "system")

    outcomes = race(*(create(route) for route in spellings[:writers]), meet_in=ApiDefinition)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, ApiDefinition)]
    losers = refusals(outcomes)
    assert len(losers) == writers - 1
    for loser in losers:
        reason, details = only_reason(loser)
        assert (reason, details["conflictingDefinitionId"]) == ("RouteInUse", str(winner.pk))
        assert details["route"] in spellings
    assert [str(each.pk) for each in ApiDefinition.objects.all()] == [str(winner.pk)]
    assert RoutePrefix.objects.filter(definition=winner).count() == RoutePrefix.objects.count() == 2


def test_of_two_definitions_moved_to_the_same_route_one_is_refused(publisher):
    first, second = publisher(route="a").definition, publisher(route="b").definition
    first.route, second.route = "c/{x}", "C/{y}"
    outcomes = race(
        lambda: save_definition(first, "system"), lambda: save_definition(second, "system"), meet_in=ApiDefinition
    )
    (loser,) = refusals(outcomes)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, ApiDefinition)]
    reason, details = only_reason(loser)
    assert (reason, details["conflictingDefinitionId"]) == ("RouteInUse", str(winner.pk))
    assert ApiDefinition.objects.filter(signature="/c/{}").count() == 1


def test_a_route_that_became_free_again_is_saved(publisher, monkeypatch):
    """The check passes and the save collides, but the second check finds no conflict, so the definition is saved."""
    script = publisher.script()
    rival = save_definition(ApiDefinition(route="a", script=script), "system")
    checked = ApiDefinition.full_clean
    calls = []

    def full_clean(self, *args, **kwargs):
        calls.append(self)
        if len(calls) == 1:
            return
        ApiDefinition.objects.filter(pk=rival.pk).delete()
        checked(self, *args, **kwargs)

    monkeypatch.setattr(ApiDefinition, "full_clean", full_clean)
    definition = save_definition(ApiDefinition(route="A", script=script), "system")
    assert len(calls) == 2
    assert list(ApiDefinition.objects.values_list("pk", "revision")) == [(definition.pk, 1)]


@contextmanager
def _slowly_deleted(kind):
    """Leave time for another writer between the check for users and the delete itself."""
    is_looked = threading.Event()

    def wait(**kwargs) -> None:
        is_looked.set()
        time.sleep(0.2)

    pre_delete.connect(wait, sender=kind)
    yield is_looked
    pre_delete.disconnect(wait, sender=kind)


def _after(event, change, *arguments):
    """In a transaction of the caller, as in a page of the console, so that the commit comes last."""
    assert event.wait(10)
    with transaction.atomic():
        return change(*arguments)


def test_a_token_that_is_being_deleted_cannot_be_allowed(publisher):
    definition = publisher().definition
    token, _ = publisher.token()
    with _slowly_deleted(ApiToken) as is_looked:
        change, delete = race(
            partial(_after, is_looked, save_definition, definition, "system", [token.pk]),
            partial(delete_checked, token, "system"),
        )
    assert delete is None
    assert only_reason(change) == ("InvalidField", {"field": "allowedTokens"})
    _no_row_dangles()


def test_a_script_that_is_being_deleted_cannot_be_used(publisher):
    script = publisher.script()
    definition = ApiDefinition(route="a", script=AutomationScript.objects.get())
    with _slowly_deleted(AutomationScript) as is_looked:
        change, delete = race(
            partial(_after, is_looked, save_definition, definition, "system"),
            partial(delete_checked, script, "system"),
        )
    assert delete is None
    assert only_reason(change) == ("InvalidActionMeta", {"id": str(definition.pk)})
    assert not ApiDefinition.objects.exists()


def test_allowing_and_deleting_a_token_at_once_leaves_no_dangling_row(publisher):
    definition = publisher().definition
    for _ in range(ROUNDS):
        token, _secret = publisher.token()
        pk = token.pk
        change, delete = race(
            partial(save_definition, definition, "system", [token.pk]),
            partial(delete_checked, token, "system"),
            meet_in=ApiDefinition,
        )
        reasons = [only_reason(error) for error in refusals([change, delete])]
        assert len(reasons) == 1, (change, delete)
        if delete is None:
            assert reasons == [("InvalidField", {"field": "allowedTokens"})]
        else:
            assert reasons[0][0] == "TokenInUse"
            assert reasons[0][1]["apiDefinitionIdLinks"] == [str(definition.pk)]
        assert ApiToken.objects.filter(pk=pk).exists() == (delete is not None)
        _no_row_dangles()


def test_using_and_deleting_a_script_at_once_leaves_no_dangling_row(publisher):
    for number in range(ROUNDS):
        script = publisher.script()
        definition = ApiDefinition(route=f"a/{number}", script=AutomationScript.objects.get())
        change, delete = race(
            partial(save_definition, definition, "system"),
            partial(delete_checked, script, "system"),
            meet_in=ApiDefinition,
        )
        reasons = [only_reason(error) for error in refusals([change, delete])]
        assert len(reasons) == 1, (change, delete)
        if delete is None:
            assert reasons == [("InvalidActionMeta", {"id": str(definition.pk)})]
        else:
            assert reasons[0][0] == "ScriptInUse"
            assert reasons[0][1]["apiDefinitionIdLinks"] == [str(definition.pk)]
        _no_row_dangles()
        Publisher.clean()


def test_a_definition_deleted_while_it_is_saved_does_not_come_back(publisher):
    for _ in range(ROUNDS):
        api = publisher()
        copy = ApiDefinition.objects.get(pk=api.definition.pk)
        change, delete = race(
            partial(save_definition, api.definition, "system", [api.token]),
            partial(delete_checked, copy, "system"),
        )
        assert delete is None
        assert isinstance(change, ApiDefinition | ApiDefinition.DoesNotExist)
        assert not ApiDefinition.objects.exists()
        _no_row_dangles()


def test_a_deleted_object_is_neither_saved_nor_deleted_again(publisher):
    api = publisher()
    for stale in (api.definition, api.token):
        delete_checked(type(stale).objects.get(pk=stale.pk), "system")
        for change in (save_checked, delete_checked):
            with pytest.raises(ObjectDoesNotExist):
                change(stale, "system")
        assert not type(stale).objects.exists()


def test_saving_definitions_with_the_same_tokens_at_once_causes_no_deadlock(publisher):
    tokens = [publisher.token()[0] for _ in range(4)]
    definitions = [publisher().definition for _ in range(6)]

    def change(number):
        order = tokens[number % 4 :] + tokens[: number % 4]
        return lambda: [save_definition(definitions[number], "system", order[: 1 + step % 4]) for step in range(4)]

    refused = refusals(race(*(change(number) for number in range(6))))
    assert not refused
    assert {definition.allowed_tokens.count() for definition in definitions} == {4}
