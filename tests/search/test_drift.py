"""Drift is found and repaired, whatever caused it."""

import random
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from definitions.models import ApiDefinition
from events.models import InformationEvent
from search import writes
from search.models import Copy, Intent, SetAside
from search.rebuild import rebuild
from search.repair import repair
from testbed.changed import altered
from tests.management.conftest import client_of, user_with
from tokens.models import ApiToken


@pytest.fixture
def apis(mirror, publish):
    """Some definitions and tokens, mirrored."""
    apis = [publish() for _ in range(8)]
    mirror.drain()
    return apis


def _command(*words: str) -> str:
    out = StringIO()
    call_command("mirror", *words, stdout=out)
    return out.getvalue()


def test_planted_faults_are_all_found_and_all_repaired(apis, mirror):
    """In 22 documents: 7 missing, 8 stale, 7 orphaned."""
    client = mirror.client
    definitions, tokens = f"{mirror.prefix}-definitions", f"{mirror.prefix}-tokens"
    ids = [str(api.definition.pk) for api in apis]
    token_ids = [str(api.token.pk) for api in apis]
    for each in ids[:4]:
        client.delete(index=definitions, id=each)
    for each in token_ids[:3]:
        client.delete(index=tokens, id=each)
    for number, each in enumerate(ids[4:7]):
        client.update(index=definitions, id=each, doc={"name": f"forged {number}"})
    client.update(index=definitions, id=ids[7], doc={"allowedTokens": []})
    for each in token_ids[3:6]:
        client.update(index=tokens, id=each, doc={"isDisabled": True})
    # With a larger version than the product has ever given.
    source = client.get(index=tokens, id=token_ids[6])["_source"] | {"version": 77}
    client.index(index=tokens, id=token_ids[6], document=source, version=2**61, version_type="external")
    for _ in range(5):
        client.index(index=definitions, id=str(uuid.uuid4()), document={"name": "nobody's"})
    for each in ("no id at all", "x" * 500):
        client.index(index=tokens, id=each, document={"name": "nobody's"}, version=2**60, version_type="external")

    with pytest.raises(CommandError, match="22 difference"):
        _command("check")
    found = mirror.check()
    assert sorted(found["definitions"].missing) == sorted(ids[:4])
    assert sorted(found["definitions"].stale) == sorted(ids[4:8])
    assert len(found["definitions"].orphaned) == 5
    assert sorted(found["tokens"].missing) == sorted(token_ids[:3])
    assert sorted(found["tokens"].stale) == sorted(token_ids[3:7])
    assert len(found["tokens"].orphaned) == 2
    _command("repair")
    assert mirror.check() == {}
    assert "0 missing" in _command("check")
    event = InformationEvent.objects.filter(object_type="SearchMirror").order_by("number").first()
    assert event is not None
    assert event.message.startswith("SearchMirror 'definitions' (")
    assert event.message.endswith("was updated by system to repair it: 4 missing, 4 stale, 5 orphaned")


def test_later_change_still_arrives_after_a_foreign_version(apis, mirror, publish):
    token = apis[0].token
    index = f"{mirror.prefix}-tokens"
    source = mirror.client.get(index=index, id=str(token.pk))["_source"] | {"name": "forged"}
    mirror.client.index(index=index, id=str(token.pk), document=source, version=2**61, version_type="external")
    _command("repair")
    token.name = "renamed afterwards"
    token.save()
    mirror.drain()
    assert mirror.documents("tokens")[str(token.pk)]["name"] == "renamed afterwards"


@pytest.mark.parametrize("fault", ["wrong mapping", "closed", "no alias", "no index", "an index instead of the alias"])
def test_broken_index_is_found_and_repaired(apis, mirror, fault):
    client, alias = mirror.client, f"{mirror.prefix}-definitions"
    (index,) = client.indices.get(index=alias)
    if fault == "wrong mapping":
        client.indices.put_mapping(index=index, properties={"more": {"type": "keyword"}})
    elif fault == "closed":
        client.indices.close(index=index)
    elif fault == "no alias":
        client.indices.delete_alias(index=index, name=alias)
    else:
        client.indices.delete(index=index)
        if fault.startswith("an index"):
            client.index(index=alias, document={"name": "by hand"})
    assert mirror.check()["definitions"].fault
    _command("repair", "definitions")
    assert mirror.check() == {}
    assert len(mirror.documents()) == len(apis)
    left = client.indices.get(index=f"{alias}*", expand_wildcards="all")
    assert len(left) == 1, "the replaced index was not deleted"


def test_repair_without_drift_leaves_no_event(apis, mirror):
    repair(mirror.kinds[0])
    assert not InformationEvent.objects.filter(object_type="SearchMirror").exists()
    assert Copy.get("definitions").checked_at


def test_waiting_change_is_no_drift(apis, mirror):
    apis[0].token.name = "not yet"
    apis[0].token.save()
    assert mirror.check() == {}
    assert "waiting: 2 change(s)" in _command("check")


def test_rows_written_without_signals_are_found_as_drift(apis, mirror):
    ApiDefinition._base_manager.filter(pk=apis[0].definition.pk).update(description="behind everybody's back")
    ApiToken._base_manager.filter(pk=apis[1].token.pk).update(name="likewise")
    assert mirror.check()["definitions"].stale
    assert mirror.check()["tokens"].stale == [str(apis[1].token.pk)]
    _command("repair")
    assert mirror.check() == {}


def test_replayed_and_shuffled_intents_end_in_the_state_of_the_database(apis, mirror, monkeypatch):
    monkeypatch.setattr(writes, "REFRESHED_AT_ONCE", 0)
    old: list[tuple[str, str]] = []
    chance = random.Random(6)
    for number in range(40):
        api = chance.choice(apis)
        if api.definition.pk and chance.random() < 0.2 and len(apis) > 4:
            apis.remove(api)
            api.definition.delete()
        else:
            api.token.name = f"name {number}"
            api.token.save()
        old += [(intent.kind, intent.object_id) for intent in Intent.objects.all()]
        if number % 7 == 0:
            mirror.drain()
    mirror.drain()
    for _ in range(100):
        chance.shuffle(old)
        Intent.objects.bulk_create(Intent(kind=kind, object_id=object_id) for kind, object_id in old[:10])
        mirror.drain()
    assert mirror.check() == {}
    assert len(mirror.documents()) == len(apis)


def test_one_bad_document_is_set_aside_and_does_not_block_the_rest(mirror, publish, open_db):
    """The index accepts only dates as `createdBy`."""
    kind = mirror.kinds[1]
    mapping = kind.mapping
    mapping["properties"]["createdBy"] = {"type": "date"}
    (index,) = mirror.client.indices.get(index=kind.alias)
    mirror.client.indices.delete(index=index)
    mirror.client.indices.create(
        index=f"{kind.alias}-odd", mappings=mapping, aliases={kind.alias: {"is_write_index": True}}
    )
    bad, _ = publish.token(name="bad")
    good, _ = publish.token(name="good")
    ApiToken._base_manager.filter(pk=good.pk).update(created_by="2026-01-01")
    mirror.drain()
    assert list(mirror.documents("tokens")) == [str(good.pk)]
    aside = SetAside.objects.get()
    assert (aside.kind, aside.object_id) == ("tokens", str(bad.pk))
    assert "date" in aside.reason
    assert str(bad.pk) in _command("status")
    ApiToken._base_manager.filter(pk=bad.pk).update(created_by="2026-01-02")
    bad.refresh_from_db()
    altered(bad).save()
    mirror.drain()
    assert len(mirror.documents("tokens")) == 2
    assert not SetAside.objects.exists()


def test_management_api_shows_the_state_and_only_readable_kinds_of_refused_documents(apis, mirror):
    user = user_with("tokens.ui_available")
    try:
        SetAside.objects.create(kind="tokens", object_id="t", reason="odd")
        SetAside.objects.create(kind="definitions", object_id="d", reason="not for you")
        altered(apis[0].token).save()
        answer = client_of(user).get("/api/management/mirror/").json()
        assert answer["isOn"] is True
        assert answer["backlog"] == 1
        assert answer["setAsideCount"] == 2
        assert [each["id"] for each in answer["setAside"]] == ["t"]
        assert [each["kind"] for each in answer["kinds"]] == ["definitions", "tokens"]
        assert client_of(user_with()).get("/api/management/mirror/").status_code == 403
    finally:
        type(user)._default_manager.filter(username__startswith="user ").delete()


def test_searches_find_every_document_during_a_rebuild(apis, mirror, publish):
    kind = mirror.kinds[0]
    throughout = {str(api.definition.pk) for api in apis[1:]}
    looked = []

    def meanwhile() -> None:
        looked.append(throughout <= mirror.documents().keys())
        apis[0].definition.name = f"changed {len(looked)}"
        apis[0].definition.save()
        gone = publish()
        mirror.drain()
        gone.definition.delete()
        mirror.drain()

    assert rebuild(kind, between=meanwhile) == len(apis)
    assert looked
    assert all(looked)
    assert mirror.check() == {}
    assert mirror.documents()[str(apis[0].definition.pk)]["name"] == f"changed {len(looked)}"


def test_search_index_command_of_the_library_is_refused_with_a_hint():
    with pytest.raises(CommandError, match="mirror rebuild"):
        call_command("search_index", "--rebuild", "-f")


def test_mirror_that_is_off_gets_no_intents(apis, mirror, publish, settings):
    publish()
    _command("off")
    settings.ELASTICSEARCH_URL = []
    publish()
    assert not Intent.objects.exists()
    assert "off" in _command("status")


def test_index_of_an_abandoned_rebuild_is_deleted(apis, mirror):
    from search.indices import create
    from search.rebuild import abandon

    kind = mirror.kinds[0]
    index = create(kind)
    Copy.change(kind.name, filling=index, filler="another-machine/1/0", filled_at=timezone.now())
    abandon(kind)
    assert Copy.get(kind.name).filling == index, "a process of another machine may continue"
    Copy.change(kind.name, filled_at=None)
    abandon(kind)
    assert Copy.get(kind.name).filling == ""
    assert len(mirror.client.indices.get(index=kind.indices)) == 1
