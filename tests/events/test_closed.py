"""Writes that would leave no event are refused, and events themselves cannot be changed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command
from django.utils import timezone

from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from objects.managers import UnrecordedChangeError
from tokens.models import ApiToken

BULK_WAYS = {
    "update": lambda model: model.objects.update(),
    "filtered update": lambda model: model.objects.filter(pk__isnull=False).update(),
    "default manager": lambda model: model._default_manager.all().update(),
    "bulk_create": lambda model: model.objects.bulk_create([model()]),
    "bulk_create with update": lambda model: model.objects.bulk_create([model()], update_conflicts=True),
    "bulk_update": lambda model: model.objects.bulk_update([model()], ["pk"]),
    "_raw_delete": lambda model: model.objects.all()._raw_delete("default"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("model", [ApiToken, ApiDefinition, AutomationScript, AllowedToken, InformationEvent])
@pytest.mark.parametrize("way", BULK_WAYS)
def test_bulk_writes_of_recorded_models_are_refused(model, way):
    with pytest.raises(UnrecordedChangeError):
        BULK_WAYS[way](model)


def test_bulk_writes_through_relations_are_refused(make):
    api = make()
    with pytest.raises(UnrecordedChangeError):
        api.definition.script.api_definitions.update(name="x")
    with pytest.raises(UnrecordedChangeError):
        api.definition.allowed_tokens.add(make.token()[0])


def test_events_cannot_be_changed_or_deleted(make):
    make.token()
    event = InformationEvent.objects.latest("number")
    event.message = "nothing happened"
    ways: list[Callable[[], object]] = [
        event.save,
        event.delete,
        InformationEvent.objects.all().delete,
        InformationEvent(pk=event.pk, object_id=event.object_id).save,
        next(iter(serializers.deserialize("json", serializers.serialize("json", [event])))).save,
    ]
    for way in ways:
        with pytest.raises(UnrecordedChangeError):
            way()
    assert InformationEvent.objects.get().message != "nothing happened"


def _age(event: InformationEvent, days: float) -> None:
    past = timezone.now() - timedelta(days=days)
    InformationEvent._base_manager.filter(pk=event.pk).update(time=past)


def test_delete_events_deletes_only_older_events(make, capsys):
    for days in (10.1, 9.9, 0):
        make.token()
        _age(InformationEvent.objects.latest("number"), days)
    call_command("delete_events", older_than=10)
    assert InformationEvent.objects.count() == 2
    assert "Deleted 1 event" in capsys.readouterr().out
    call_command("delete_events", older_than=10)
    assert InformationEvent.objects.count() == 2


@pytest.mark.parametrize("days", ["0", "-1", "x", "99999999999"])
def test_delete_events_refuses_an_impossible_number_of_days(days):
    with pytest.raises(CommandError):
        call_command("delete_events", "--older-than", days)


def test_delete_events_has_no_default_age():
    with pytest.raises(CommandError):
        call_command("delete_events")
