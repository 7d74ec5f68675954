"""The tokens that a definition allows."""

import uuid

import pytest

from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition
from objects.changes import delete_checked
from testbed.publisher import Publisher
from tests.refusals import refused


@pytest.fixture
def tokens(db):
    return [Publisher().token()[0] for _ in range(3)]


def _allowed(definition: ApiDefinition) -> set[uuid.UUID]:
    return set(definition.allowed_tokens.values_list("pk", flat=True))


def test_the_list_replaces_what_was_there(publish_in_process, tokens):
    first, second, third = tokens
    definition = publish_in_process("a", allowed_tokens=[first, second.pk])
    assert _allowed(definition) == {first.pk, second.pk}
    save_definition(definition, "system", allowed_tokens=[third, second, second])
    assert _allowed(definition) == {second.pk, third.pk}
    save_definition(definition, "system")
    assert _allowed(definition) == {second.pk, third.pk}
    save_definition(definition, "system", allowed_tokens=[])
    assert _allowed(definition) == set()


def test_a_token_that_does_not_exist_saves_nothing_at_all(publish_in_process, tokens):
    definition = publish_in_process("a", allowed_tokens=tokens[:1])
    definition.route = "b"
    change = (definition, "system", [tokens[1], uuid.uuid4()])
    assert refused(save_definition, *change) == ("InvalidField", {"field": "allowedTokens"})
    definition.refresh_from_db()
    assert (definition.route, definition.revision) == ("a", 1)
    assert _allowed(definition) == {tokens[0].pk}


def test_a_new_definition_that_was_refused_for_its_tokens_can_be_saved_later(publish_in_process, tokens, script):
    definition = ApiDefinition(route="a/{b}", script=script)
    refused(save_definition, definition, "first", [uuid.uuid4()])
    assert not ApiDefinition.objects.exists()
    save_definition(definition, "second", tokens)
    definition.refresh_from_db()
    assert (definition.created_by, definition.last_modified_by, definition.revision) == ("second", "second", 1)


def test_a_token_in_use_names_the_definitions_and_stays(publish_in_process, tokens):
    users = sorted(str(publish_in_process(route, allowed_tokens=tokens[:2]).pk) for route in ("a", "b/{c}"))
    publish_in_process("c", allowed_tokens=tokens[1:])
    reason, details = refused(delete_checked, tokens[0], by="system")
    assert (reason, details["apiDefinitionIdLinks"]) == ("TokenInUse", users)
    tokens[0].refresh_from_db()
    ApiDefinition.objects.filter(pk__in=users).delete()
    delete_checked(tokens[0], by="system")
    assert AllowedToken.objects.count() == 2


def test_a_script_in_use_names_the_definitions_and_stays(publish_in_process, script):
    users = sorted(str(publish_in_process(route).pk) for route in ("a", "b"))
    reason, details = refused(delete_checked, script, by="system")
    assert (reason, details["apiDefinitionIdLinks"]) == ("ScriptInUse", users)
    script.refresh_from_db()
    ApiDefinition.objects.all().delete()
    delete_checked(script, by="system")
