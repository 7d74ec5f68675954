"""Every committed change arrives in the mirror, however it was made; one that is rolled back does not."""

import pytest
from django.db import transaction

from definitions.changes import save_definition
from definitions.models import AllowedToken
from objects.changes import delete_checked, save_checked
from search.models import Intent
from tokens.models import ApiToken


def test_documents_have_every_property_that_lists_filter_by(mirror, publish):
    api = publish(route="Encoders/{id}/status_now", name="café script")
    mirror.drain()
    document = mirror.documents()[str(api.definition.pk)]
    assert document["route"] == "Encoders/{id}/status_now"
    assert document["segments"] == ["Encoders", "{id}", "status_now"]
    assert document["scriptName"] == "café script"
    assert document["allowedTokens"] == [{"id": str(api.token.pk), "name": api.token.name}]
    assert document["actionType"] == "AutomationScript"
    assert document["createdBy"] == "system"
    assert document["version"] == 1
    assert "cafe" in document["words"].split()
    token = mirror.documents("tokens")[str(api.token.pk)]
    assert token["isDisabled"] is False
    assert token["rateLimit"] is None
    assert mirror.check() == {}


def test_changes_and_deletions_arrive(mirror, publish):
    api = publish()
    mirror.drain()
    api.definition.name = "Renamed"
    save_checked(api.definition, "ann")
    mirror.drain()
    assert mirror.documents()[str(api.definition.pk)]["name"] == "Renamed"
    assert mirror.documents()[str(api.definition.pk)]["lastModifiedBy"] == "ann"
    delete_checked(api.definition, "ann")
    delete_checked(api.token, "ann")
    mirror.drain()
    assert mirror.documents() == mirror.documents("tokens") == {}


def test_other_allowed_tokens_arrive(mirror, publish):
    api = publish()
    other, _ = publish.token(name="the other")
    save_definition(api.definition, "ann", [other])
    mirror.drain()
    assert [each["name"] for each in mirror.documents()[str(api.definition.pk)]["allowedTokens"]] == ["the other"]
    AllowedToken.objects.create(definition=api.definition, token=api.token)
    mirror.drain()
    assert len(mirror.documents()[str(api.definition.pk)]["allowedTokens"]) == 2
    AllowedToken.objects.filter(token=other).delete()
    mirror.drain()
    assert [each["id"] for each in mirror.documents()[str(api.definition.pk)]["allowedTokens"]] == [str(api.token.pk)]
    assert mirror.check() == {}


@pytest.mark.parametrize("what", ["token", "script"])
def test_new_name_reaches_all_definitions_that_show_it(mirror, publish, what, monkeypatch):
    apis = [publish()]
    apis += [publish(token=(apis[0].token, apis[0].secret)) for _ in range(6)]
    if what == "script":
        for api in apis[1:]:
            api.definition.script = apis[0].definition.script
            save_checked(api.definition, "ann")
    mirror.drain()
    renamed = apis[0].token if what == "token" else apis[0].definition.script
    renamed.name = "a brand new name"
    save_checked(renamed, "ann")
    from search import outbox

    monkeypatch.setattr(outbox.drain, "__defaults__", (2,))
    mirror.drain()
    documents = mirror.documents().values()
    shown = [d["allowedTokens"][0]["name"] if what == "token" else d["scriptName"] for d in documents]
    assert shown == ["a brand new name"] * 7
    assert mirror.check() == {}
    assert not Intent.objects.exists()


def test_many_new_names_are_carried_out_together(mirror, publish):
    apis = [publish() for _ in range(5)]
    mirror.drain()
    for number, api in enumerate(apis):
        api.token.name = f"new name {number}"
        save_checked(api.token, "ann")
    from search.outbox import drain

    drain()
    assert not Intent.objects.exists()
    assert mirror.check() == {}


def test_disabled_token_rewrites_no_definition(mirror, publish):
    api = publish()
    mirror.drain()
    api.token.is_disabled = True
    save_checked(api.token, "ann")
    assert [intent.kind for intent in Intent.objects.all()] == ["tokens"]
    mirror.drain()
    assert mirror.documents("tokens")[str(api.token.pk)]["isDisabled"] is True


def test_rolled_back_change_leaves_no_intent(mirror, publish):
    api = publish()
    mirror.drain()
    with transaction.atomic():
        api.token.name = "never"
        save_checked(api.token, "ann")
        publish(route="never")
        transaction.set_rollback(True)
    assert mirror.drain() == 0
    assert mirror.check() == {}


def test_without_elasticsearch_changes_leave_no_intents(open_db, publish, settings):
    from search.models import Mirror

    Mirror.objects.all().delete()
    settings.ELASTICSEARCH_URL = []
    publish()
    assert not Intent.objects.exists()


def test_process_without_elasticsearch_writes_intents_for_the_others(mirror, publish, settings):
    settings.ELASTICSEARCH_URL = []
    token, _ = publish.token()
    settings.ELASTICSEARCH_URL = [mirror.server.url]
    mirror.drain()
    assert str(token.pk) in mirror.documents("tokens")


def test_no_index_contains_a_secret_or_a_digest(mirror, publish):
    api = publish()
    rotated = api.token.set_secret(None)
    save_checked(api.token, "ann")
    mirror.drain()
    stored = ApiToken.objects.get(pk=api.token.pk)
    everything = str(mirror.client.search(index=f"{mirror.prefix}-*", size=1_000))
    everything += str(mirror.client.indices.get(index=f"{mirror.prefix}-*"))
    assert str(stored.pk) in everything
    for secret in (api.secret, rotated, stored.secret_digest):
        assert secret not in everything
    assert "digest" not in everything
    assert "pepper" not in everything
