"""Every committed change leaves one event that names who made it; one that is rolled back leaves none."""

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from automation import build_ends
from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from objects.changes import delete_checked, save_checked
from runs.bodies import bodies_of
from testbed.changed import altered
from testbed.changed import change as alter
from testbed.publisher import ECHO
from testbed.run_rows import add_run_with_bodies
from tests.automation.built import build, finish, needing
from tests.automation.saved import change
from tokens.models import ApiToken


@pytest.fixture
def john(db):
    """A user with a full name."""
    return User.objects.create_user("john", first_name="John", last_name="Doe")


def last_message() -> str:
    event = InformationEvent.objects.latest("number")
    assert event is not None
    return event.message


def test_the_message_of_a_definition_names_its_route(make, john):
    definition = make(route="encoders/status").definition
    assert last_message() == f"ApiDefinition with route 'encoders/status' ({definition.pk}) was added by system"
    alter(definition, "john")
    assert last_message() == f"ApiDefinition with route 'encoders/status' ({definition.pk}) was updated by John Doe"
    pk = definition.pk
    delete_checked(definition, "john")
    assert last_message() == f"ApiDefinition with route 'encoders/status' ({pk}) was deleted by John Doe"


def test_the_messages_of_tokens_and_scripts_name_them(make, john):
    token, _ = make.token(name="internal")
    alter(token, "john")
    assert last_message() == f"ApiToken 'internal' ({token.pk}) was updated by John Doe"
    script = make.script(name="poll")
    assert last_message() == f"AutomationScript 'poll' ({script.pk}) was added by system"


def test_the_end_of_a_build_names_who_saved_the_version(make, john):
    script = make.script(name="poll")
    change(script, source=needing("six"))
    start = f"AutomationScript 'poll' ({script.pk})"
    assert last_message() == f"{start} was updated by John Doe: version 2, as soon as it is built"
    with transaction.atomic():
        finish(script, 2)
        assert last_message() == f"{start}: version 2 is ready and current"
        transaction.set_rollback(True)
    assert last_message().endswith("as soon as it is built")
    build_ends.failed(build(script, 2).pk, "There is no six.")
    assert last_message() == f"{start}: version 2 could not be built: There is no six."
    event = InformationEvent.objects.latest("number")
    assert (event.user, event.user_name, event.verb, event.object_id) == ("John Doe", "john", "updated", script.pk)


def test_look_at_what_a_run_keeps_leaves_an_event_unless_it_is_rolled_back(john):
    run = add_run_with_bodies()
    assert bodies_of(run, "john")
    assert last_message() == f"Run {run.pk} bodies were read by John Doe"
    with transaction.atomic():
        bodies_of(run, "john")
        transaction.set_rollback(True)
    assert InformationEvent.objects.filter(object_id=run.pk).count() == 1


@pytest.mark.django_db
def test_look_that_cannot_be_recorded_shows_nothing(monkeypatch):
    run = add_run_with_bodies()
    monkeypatch.setattr(InformationEvent, "save", _refuse)
    with pytest.raises(DatabaseError):
        bodies_of(run, "john")


def _refuse(*_, **__):
    raise DatabaseError("the disk is full")


@pytest.mark.parametrize("names", [{}, {"first_name": " "}])
def test_user_without_a_full_name_is_shown_by_user_name(make, names):
    User.objects.create_user("admin", **names)
    alter(make.token()[0], "admin")
    event = InformationEvent.objects.latest("number")
    assert (event.user, event.user_name) == ("admin", "admin")


def test_event_has_type_verb_parameter_and_properties_of_its_object(make):
    definition = make(route="a/b").definition
    event = InformationEvent.objects.get(object_id=definition.pk)
    assert (event.object_type, event.verb, event.parameter_id) == ("ApiDefinition", "added", 64650)
    assert (event.parameter_name, event.severity) == ("User-defined APIs", "Information")
    assert event.properties == {"name": "", "route": "a/b", "actionType": "AutomationScript"}


def test_definition_and_its_tokens_changed_together_leave_one_event(make, events_of):
    api, (other, _) = make(), make.token()
    save_definition(api.definition, "john", allowed_tokens=[other])
    assert events_of(api.definition) == [("added", "system"), ("updated", "john")]
    assert len(events_of(other)) == 1


def test_shell_acts_as_system_whoever_changed_the_object_before(make, events_of):
    token, _ = make.token()
    alter(token, "john")
    again = altered(ApiToken.objects.get())
    again.save()
    assert (again.last_modified_by, ApiToken.objects.get().last_modified_by) == ("system", "system")
    pk = again.pk
    again.delete()
    assert events_of(pk) == [("added", "system"), ("updated", "john"), ("updated", "system"), ("deleted", "system")]


def test_the_shell_can_say_who_acts(make, events_of):
    token, _ = make.token()
    with token.acted_on("john"):
        altered(token).save()
    altered(token).save()
    assert events_of(token)[1:] == [("updated", "john"), ("updated", "system")]


def test_rows_deleted_together_leave_an_event_each(make, events_of, last_number):
    for _ in range(3):
        make.token()
    since = last_number()
    ApiToken.objects.all().delete()
    assert events_of(since=since) == [("deleted", "system")] * 3


def test_deleted_definition_leaves_one_event(make, events_of, last_number):
    definition = make().definition
    since, pk = last_number(), definition.pk
    delete_checked(definition, "john")
    assert events_of(since=since) == [("deleted", "john")] == events_of(pk)[-1:]


def test_allowed_token_added_or_removed_by_itself_updates_the_definition(make, events_of):
    definition, (token, _) = make().definition, make.token()
    AllowedToken.objects.create(definition=definition, token=token)
    definition.allowed_tokens.remove(token)
    assert events_of(definition)[1:] == [("updated", "system")] * 2


def test_loaded_fixture_leaves_an_event(make, events_of):
    token, _ = make.token()
    dumped = serializers.serialize("json", [token])
    for loaded in serializers.deserialize("json", dumped):
        loaded.save()
    assert events_of(token) == [("added", "system"), ("updated", "system")]


def test_get_or_create_and_update_or_create_leave_events(make, events_of):
    script, _ = AutomationScript.objects.get_or_create(name="a", defaults={"source": ECHO})
    AutomationScript.objects.update_or_create(name="a", defaults={"description": "b"})
    AutomationScript.objects.get_or_create(name="a")
    assert events_of(script) == [("added", "system"), ("updated", "system")]


def test_refused_or_rolled_back_change_leaves_no_event(make, events_of, last_number):
    api, since = make(), last_number()
    with pytest.raises(ValidationError):
        save_definition(ApiDefinition(route="a//b", script=api.definition.script), "john")
    with pytest.raises(ValidationError):
        delete_checked(api.token, "john")
    with transaction.atomic():
        alter(api.token, "john")
        transaction.set_rollback(True)
    assert events_of(since=since) == []


@pytest.mark.usefixtures("open_db")
def test_change_is_rolled_back_if_its_event_cannot_be_stored(monkeypatch):
    """Also for a bare save or delete, which is in no other transaction."""
    token = ApiToken(name="bare")
    token.set_secret(None)
    monkeypatch.setattr("events.recorder.shown_name", lambda by: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        token.save()
    assert not ApiToken.objects.filter(pk=token.pk).exists()
    monkeypatch.undo()
    token.save(force_insert=True)
    monkeypatch.setattr("events.recorder.shown_name", lambda by: 1 / 0)
    pk = token.pk
    with pytest.raises(ZeroDivisionError):
        token.delete()
    monkeypatch.undo()
    assert ApiToken.objects.filter(pk=pk).exists()


def test_no_event_holds_a_secret_or_its_digest(make):
    token, secret = make.token()
    token.set_secret(None)
    save_checked(token, "system")
    kept = str(list(InformationEvent.objects.values()))
    assert secret not in kept
    assert token.secret_digest not in kept
