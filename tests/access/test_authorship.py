"""Who made and changed an object, when, and how often: for every kind of object."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from objects.authorship import AuthoredModel
from objects.changes import delete_checked, save_checked
from testbed.changed import altered, change
from testbed.publisher import ECHO, Publisher
from tests.definitions.strategies import undone
from tokens.models import ApiToken


def _unsaved(kind: type[AuthoredModel]) -> Any:
    if kind is ApiToken:
        token = ApiToken(name="a token")
        token.set_secret(None)
        return token
    if kind is AutomationScript:
        return AutomationScript(name="a script", source=ECHO)
    return ApiDefinition(route="a/{b}", script=Publisher().script())


every_kind = pytest.mark.parametrize("kind", [ApiToken, AutomationScript, ApiDefinition])


@every_kind
def test_a_new_object(db, kind):
    before = datetime.now(UTC)
    made = save_checked(_unsaved(kind), by="ann")
    stored = kind.objects.get(pk=made.pk)
    assert isinstance(stored.pk, uuid.UUID)
    assert (stored.created_by, stored.last_modified_by, stored.revision) == ("ann", "ann", 1)
    assert before <= stored.created_at <= stored.last_modified <= datetime.now(UTC)
    assert stored.created_at.utcoffset() == timedelta(0)
    assert made.revision == 1


@every_kind
def test_a_changed_object(db, kind):
    made = save_checked(_unsaved(kind), by="ann")
    for number, by in enumerate(["bob", "carol", "bob"], start=2):
        copy = kind.objects.get(pk=made.pk)
        change(copy, by=by)
        stored = kind.objects.get(pk=made.pk)
        assert (stored.created_by, stored.last_modified_by, stored.revision) == ("ann", by, number)
        assert stored.created_at == made.created_at
        assert stored.last_modified > made.last_modified
        assert copy.revision == number


@every_kind
def test_a_refused_change_changes_nothing(db, kind):
    made = save_checked(_unsaved(kind), by="ann")
    for _ in range(3):
        copy = kind.objects.get(pk=made.pk)
        copy.name = " "
        with pytest.raises(ValidationError):
            save_checked(copy, by="bob")
    stored = kind.objects.get(pk=made.pk)
    assert (stored.last_modified_by, stored.revision, stored.last_modified) == ("ann", 1, made.last_modified)


@every_kind
def test_a_new_object_that_was_refused_can_be_mended_and_saved(db, kind):
    made = _unsaved(kind)
    name, made.name = made.name, " "
    with pytest.raises(ValidationError):
        save_checked(made, by="ann")
    made.name = name
    save_checked(made, by="bob")
    stored = kind.objects.get(pk=made.pk)
    assert (stored.created_by, stored.revision) == ("bob", 1)


@every_kind
def test_a_deleted_object_knows_who_deleted_it(db, kind):
    made = save_checked(_unsaved(kind), by="ann")
    delete_checked(made, by="bob")
    assert made.last_modified_by == "bob"
    assert not kind.objects.filter(last_modified_by="ann").exists()


@every_kind
def test_a_bare_save_counts_too(db, kind):
    made = save_checked(_unsaved(kind), by="ann")
    stale = kind.objects.get(pk=made.pk)
    for expected in (2, 3):
        altered(made).save()
        assert kind.objects.get(pk=made.pk).revision == expected
    altered(stale).save()
    assert kind.objects.get(pk=made.pk).revision == 4


@every_kind
def test_rolled_back_saves_do_not_count(db, kind):

    made = save_checked(_unsaved(kind), by="ann")
    with undone():
        change(made, by="bob")
    change(made, by="carol")
    stored = kind.objects.get(pk=made.pk)
    assert (stored.revision, stored.last_modified_by) == (2, "carol")
