"""Documents derive from the serializers: the mapping of today's properties is pinned, new ones come by themselves."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django_elasticsearch_dsl.registries import registry

from objects.changes import save_checked
from objects.documents import derived, name_field, serialized
from objects.serializers import Choice, Flag, ListOf, MovingMoment, Number, Text
from search.connection import IndexFaultError
from search.indices import CHANGED, MIRRORED, fault
from search.models import Intent, SetAside
from search.outbox import drain
from search.query import matching_ids
from search.repair import repair
from tokens.documents import TokenDocument
from tokens.serializers import TokenSerializer

KEYWORD = {"type": "keyword"}
EXACT = {"type": "keyword", "normalizer": "lowercase", "ignore_above": 1_000}
NAME = {"type": "text", "fields": {"exact": EXACT}}
WORDS = {"type": "text", "index_prefixes": {"min_chars": 1, "max_chars": 10}}
AUTHORSHIP = {
    "id": KEYWORD,
    "createdBy": EXACT,
    "createdAt": {"type": "date"},
    "lastModifiedBy": EXACT,
    "lastModified": {"type": "date"},
    "version": {"type": "long"},
}
MAPPINGS = {
    "definitions": AUTHORSHIP
    | {
        "name": NAME,
        "description": {"type": "text"},
        "route": NAME,
        "segments": EXACT,
        "actionType": KEYWORD,
        "inputType": KEYWORD,
        "isDisabled": {"type": "boolean"},
        "contentTypes": KEYWORD,
        "keepBodies": KEYWORD,
        "maxConcurrent": {"type": "integer"},
        "objectives": {"properties": {"successRate": {"type": "double"}, "p95Milliseconds": {"type": "integer"}}},
        "serverTiming": {"type": "boolean"},
        "scriptName": NAME,
        "scriptVersion": {"type": "integer"},
        "allowedTokens": {"properties": {"id": KEYWORD, "name": NAME}},
        "words": WORDS,
        "wordsWithTokens": WORDS,
    },
    "tokens": AUTHORSHIP
    | {
        "name": NAME,
        "isDisabled": {"type": "boolean"},
        "rateLimit": {"properties": {"limit": {"type": "integer"}, "windowSeconds": {"type": "integer"}}},
        "words": WORDS,
    },
}
"""Every installation rebuilds its indices when one of these changes."""


@pytest.mark.parametrize("kind", MAPPINGS)
def test_mapping_of_today_s_properties_stays(kind):
    assert MIRRORED[kind].mapping == {"dynamic": "strict", "properties": MAPPINGS[kind]}


@pytest.fixture
def index_of_the_release_before(mirror, publish):
    """An API whose document has no `isDisabled` and no `scriptVersion`; the index takes neither."""
    api = publish(name="older")
    mirror.drain()
    kind, key = MIRRORED["definitions"], str(api.definition.pk)
    document = mirror.documents()[key]
    mapping = kind.mapping
    for name in ("isDisabled", "scriptVersion"):
        del mapping["properties"][name], document[name]
    (index,) = mirror.client.indices.get(index=kind.alias)
    mirror.client.indices.delete(index=index)
    older, aliases = f"{kind.alias}-older", {kind.alias: {"is_write_index": True}}
    mirror.client.indices.create(index=older, mappings=mapping, aliases=aliases)
    mirror.client.index(index=older, id=key, document=document, refresh=True)
    return api


def test_a_change_has_the_index_of_the_release_before_rebuilt(mirror, index_of_the_release_before):
    kind, definition = MIRRORED["definitions"], index_of_the_release_before.definition
    found = matching_ids("definitions", "tests", User(is_superuser=True), narrowed={"isDisabled": False})
    assert (found.ids, found.is_from_mirror) == ([str(definition.pk)], True)
    definition.is_disabled, definition.script_version = True, 1
    save_checked(definition, "ann")
    with pytest.raises(IndexFaultError):
        drain()
    assert repair(kind).fault == CHANGED
    assert drain()
    document = mirror.documents()[str(definition.pk)]
    assert (document["isDisabled"], document["scriptVersion"]) == (True, 1)
    assert mirror.check() == {} and not Intent.objects.exists() and not SetAside.objects.exists()
    for is_disabled in (True, False):
        found = matching_ids("definitions", "tests", User(is_superuser=True), narrowed={"isDisabled": is_disabled})
        assert len(found.ids) == is_disabled


class WiderTokenSerializer(TokenSerializer):
    """With a property of each plain type."""

    note = Text(source="name")
    shared = Flag(source="is_disabled")
    priority = Number(source="revision")
    colour = Choice(["red", "blue"], source="name")
    owners = ListOf(source="owners_of_the_test", child=Text())
    seen = MovingMoment()
    password = Text(write_only=True)


@pytest.fixture(scope="module")
def wider():
    """The kind of tokens after an upgrade that brings new properties."""

    properties = serialized(WiderTokenSerializer)

    @registry.register_document
    class WiderTokenDocument(TokenDocument):
        serialized = properties
        name = name_field()

        class Meta:
            mapping = derived(properties)

        class Index:
            name = "tokens"

        def complete(self, instances):
            for each in instances:
                each.owners_of_the_test = ["ann", "bob"]

    return replace(MIRRORED["tokens"], document=WiderTokenDocument())


def test_new_properties_are_mapped_by_their_type_unless_hidden_or_moving(wider):
    new = {
        "note": {"type": "text"},
        "shared": {"type": "boolean"},
        "priority": {"type": "integer"},
        "colour": KEYWORD,
        "owners": KEYWORD,
    }
    assert wider.mapping["properties"] == MAPPINGS["tokens"] | new
    assert MIRRORED["tokens"].mapping["properties"] == MAPPINGS["tokens"]


def test_new_properties_have_the_index_rebuilt_by_the_next_repair(wider, mirror, publish, monkeypatch):
    token, _ = publish.token(name="shared")
    mirror.drain()
    assert fault(wider) == CHANGED
    monkeypatch.setitem(MIRRORED, "tokens", wider)
    repair(wider)
    assert fault(wider) == ""
    document = mirror.documents("tokens")[str(token.pk)]
    assert {name: document[name] for name in ("note", "shared", "priority", "colour", "owners")} == {
        "note": "shared",
        "shared": False,
        "priority": 1,
        "colour": "shared",
        "owners": ["ann", "bob"],
    }
    token.is_disabled = True
    token.save()
    assert drain()
    assert mirror.documents("tokens")[str(token.pk)]["shared"] is True
    assert not Intent.objects.exists()
