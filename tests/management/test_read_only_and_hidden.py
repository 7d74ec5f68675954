"""Read-only properties of new objects are refused, and hidden objects look like missing ones."""

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.serializers import Serializer

from automation.serializers import CredentialSerializer, ScriptSerializer
from definitions.serializers import DefinitionSerializer
from events.models import InformationEvent
from keys.changes import create_key
from management.keys import KeySerializer
from tests.automation.stored_credentials import stored_credential
from tests.management.conftest import ROOT, only, user_with
from tokens.serializers import TokenSerializer

KINDS: dict[str, tuple[type[Serializer[Any]], dict[str, Any]]] = {
    "definitions": (DefinitionSerializer, {"route": "a", "actionMeta": {"scriptName": "echo"}}),
    "tokens": (TokenSerializer, {"name": "x"}),
    "scripts": (ScriptSerializer, {"name": "x", "source": "def run(engine): pass"}),
    "credentials": (CredentialSerializer, {"name": "x", "value": "y"}),
    "keys": (KeySerializer, {"name": "x"}),
}
READ_ONLY = [
    (kind, name) for kind, (serializer, _) in KINDS.items() for name, field in serializer().fields.items()
    if field.read_only
]  # fmt: skip
CHANGES = [
    *itertools.product(("definitions", "tokens", "scripts", "credentials"), ("put", "patch", "delete"), ("",)),
    *itertools.product(("tokens",), ("post",), ("rotate/", "enable/", "disable/")),
]
VIEW = (
    "definitions.ui_available",
    "tokens.ui_available",
    "automation.ui_available",
    "automation.credentials_ui_available",
)


def test_every_kind_has_read_only_properties():
    assert {kind for kind, _ in READ_ONLY} == KINDS.keys()
    assert ("tokens", "lastModifiedBy") in READ_ONLY


@pytest.mark.parametrize(("kind", "name"), READ_ONLY)
def test_a_new_object_accepts_no_read_only_property(admin, make, kind, name):
    make.script(name="echo")
    body = KINDS[kind][1]
    for value in (str(uuid.uuid4()), "2001-01-01T00:00:00Z", "root", None, 5):
        error = only(admin.post(f"{ROOT}{kind}/", body | {name: value}), 400)
        assert (error["reason"], error["field"]) == ("InvalidField", name)
    assert admin.post(f"{ROOT}{kind}/", body).status_code == 201


@pytest.mark.parametrize(("kind", "method", "action"), CHANGES)
def test_a_refused_change_does_not_tell_whether_the_object_exists(login, make, kind, method, action):
    api = make()
    keys = {"definitions": api.definition, "tokens": api.token, "scripts": api.definition.script}
    key = (keys | {"credentials": stored_credential()})[kind].pk
    for client in (login(*VIEW), login()):
        answers = [
            getattr(client, method)(f"{ROOT}{kind}/{one}/{action}", headers={"If-Match": '"7"'})
            for one in (key, uuid.uuid4())
        ]
        assert only(answers[0], 403) == {"reason": "PermissionDenied"}
        assert (answers[0].content, answers[0].headers) == (answers[1].content, answers[1].headers)


def test_hidden_events_look_like_missing_ones(login, make):
    make.token()
    hidden = InformationEvent.objects.latest("number").event_id
    for client, status in ((login("definitions.ui_available"), 404), (login("automation.execute"), 403)):
        there, missing = (client.get(f"{ROOT}events/{one}/") for one in (hidden, uuid.uuid4()))
        assert there.status_code == status
        assert (there.content, there.headers) == (missing.content, missing.headers)


def test_keys_of_others_look_like_missing_ones(login):
    theirs, _ = create_key(user_with(), "theirs", 1)
    there, missing = (login().delete(f"{ROOT}keys/{one}/") for one in (theirs.public_id, uuid.uuid4()))
    assert there.status_code == 404
    assert (there.content, there.headers) == (missing.content, missing.headers)


def test_last_used_is_accepted_with_an_earlier_value(admin, make):
    token = make.token(last_used=datetime(2026, 1, 2, tzinfo=UTC))[0]
    address = f"{ROOT}tokens/{token.pk}/"
    for earlier in ("2026-01-02T00:00:00Z", "2026-01-01T23:59:59.5Z", None):
        assert admin.patch(address, {"lastUsed": earlier}).status_code == 200
    never: Any
    for never in ("2026-01-02T00:00:01Z", "yesterday", "", 5, []):
        error = only(admin.patch(address, {"lastUsed": never}), 400)
        assert (error["reason"], error["field"]) == ("InvalidField", "lastUsed")
