"""Creating, reading, changing and deleting objects over the management API."""

import re
import uuid
from urllib.parse import quote

import pytest

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from events.models import InformationEvent
from testbed.publisher import ECHO
from tests.management.conftest import ROOT, only
from tokens.models import ApiToken

RUN = "def run(engine): pass"
KINDS = ["definitions", "tokens", "scripts"]
READ_ONLY = {
    "id": "00000000-0000-4000-8000-000000000000",
    "createdBy": "somebody",
    "createdAt": "2001-01-01T00:00:00Z",
    "lastModifiedBy": "somebody",
    "lastModified": "2001-01-01T00:00:00Z",
}


@pytest.fixture
def address(make):
    """The address of an object of each kind."""
    api = make(name="a script")
    found = {"definitions": api.definition.pk, "tokens": api.token.pk, "scripts": "a script"}
    return lambda kind: f"{ROOT}{kind}/{found[kind]}/"


def test_a_definition_on_the_wire(admin, make):
    script, (token, _) = make.script(name="echo"), make.token()
    body = {
        "name": "Status",
        "description": "of an encoder",
        "isDisabled": True,
        "route": "encoders/{id}",
        "securitySettings": {"allowedTokens": [str(token.pk)]},
        "actionType": "AutomationScript",
        "actionMeta": {"scriptName": "echo", "inputType": "Parameters", "scriptVersion": 1},
        "contentTypes": ["image/png", "application/json"],
        "keepBodies": "Failures",
        "maxConcurrent": 1_000,
        "objectives": {"successRate": 99.5, "p95Milliseconds": 250},
        "serverTiming": True,
    }
    made = admin.post(f"{ROOT}definitions/", body)
    assert made.status_code == 201
    assert made["ETag"] == '"1"'
    answer = made.json()
    assert {name: answer[name] for name in body} == body
    assert answer.keys() == body.keys() | READ_ONLY.keys()
    assert answer["createdBy"] == answer["lastModifiedBy"] == "root"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", answer["createdAt"])
    stored = ApiDefinition.objects.get()
    assert (stored.script, list(stored.allowed_tokens.all())) == (script, [token])
    assert admin.get(f"{ROOT}definitions/{answer['id']}/").json() == answer


def test_what_is_kept_and_how_many_run_at_once_is_changed_filtered_and_reset(admin, make):
    address = f"{ROOT}definitions/{make().definition.pk}/"
    before = admin.get(address).json()
    assert (before["keepBodies"], before["maxConcurrent"]) == ("Nothing", None)
    change = {"keepBodies": "Everything", "maxConcurrent": 1}
    after = admin.patch(address, change).json()
    assert {name: after[name] for name in change} == change
    for kept, count in (("Everything", 1), ("Failures", 0), ("Nothing", 0)):
        assert admin.get(f"{ROOT}definitions/?keepBodies={kept}").json()["count"] == count
    replaced = {name: before[name] for name in ("route", "actionMeta")}
    reset = admin.put(address, replaced).json()
    assert (reset["keepBodies"], reset["maxConcurrent"]) == ("Nothing", None)


def test_objectives_are_replaced_as_a_whole_and_reset(admin, make):
    address = f"{ROOT}definitions/{make().definition.pk}/"
    assert admin.get(address).json()["objectives"] is None
    for sent, kept in (
        ({"successRate": 99, "p95Milliseconds": 1}, {"successRate": 99.0, "p95Milliseconds": 1}),
        ({"successRate": 99.999}, {"successRate": 99.999, "p95Milliseconds": None}),
        ({"p95Milliseconds": 120_000, "successRate": None}, {"successRate": None, "p95Milliseconds": 120_000}),
        (None, None),
    ):
        assert admin.patch(address, {"objectives": sent}).json()["objectives"] == kept


def test_a_definition_without_entry_point_has_no_input_type(admin, make):
    make.script(RUN, name="plain")
    body = {"route": "a", "actionType": "AutomationScriptNoEntryPoint", "actionMeta": {"scriptName": "plain"}}
    answer = admin.post(f"{ROOT}definitions/", body).json()
    assert answer["actionMeta"] == {"scriptName": "plain", "scriptVersion": None}
    assert answer["securitySettings"] == {"allowedTokens": []}


def test_the_input_type_follows_the_action_type(admin, make):
    make.script(ECHO + RUN, name="both")
    made = admin.post(f"{ROOT}definitions/", {"route": "a", "actionMeta": {"scriptName": "both"}}).json()
    both = {"scriptName": "both", "scriptVersion": None}
    address = f"{ROOT}definitions/{made['id']}/"
    assert made["actionMeta"] == both | {"inputType": "RawBody"}
    changed = admin.patch(address, {"actionType": "AutomationScriptNoEntryPoint"}).json()
    assert changed["actionMeta"] == both
    changed = admin.patch(address, {"actionType": "AutomationScript"}).json()
    assert changed["actionMeta"] == both | {"inputType": "RawBody"}
    changed = admin.patch(address, {"actionMeta": {"inputType": "Parameters"}}).json()
    assert changed["actionMeta"] == both | {"inputType": "Parameters"}


def test_a_token_is_made_with_a_secret_shown_once(admin):
    made = admin.post(f"{ROOT}tokens/", {"name": "client", "rateLimit": {"limit": 5, "windowSeconds": 60}})
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    answer = made.json()
    assert answer.pop("secret").startswith("udapi_")
    assert answer.pop("rateLimit") == {"limit": 5, "windowSeconds": 60}
    assert "secret" not in admin.get(f"{ROOT}tokens/{answer['id']}/").json()


@pytest.mark.parametrize("body", [{"name": "x"}, {"name": "x", "secret": None}])
def test_without_a_secret_one_is_generated(admin, body):
    assert admin.post(f"{ROOT}tokens/", body).json()["secret"].startswith("udapi_")


@pytest.mark.parametrize("kind", ["definitions", "tokens"])
def test_enable_and_disable(admin, address, kind):
    assert admin.get(address(kind)).json()["isDisabled"] is False
    for revision, (action, is_disabled) in enumerate((("disable", True), ("enable", False)), 2):
        answer = admin.post(f"{address(kind)}{action}/")
        assert (answer.status_code, answer["ETag"]) == (200, f'"{revision}"')
        assert answer.json() == admin.get(address(kind)).json()
        assert answer.json()["isDisabled"] is is_disabled
        listed = admin.get(f"{ROOT}{kind}/?isDisabled={str(is_disabled).lower()}").json()["results"]
        assert [each["id"] for each in listed] == [answer.json()["id"]]
        assert only(admin.post(f"{address(kind)}{action}/", {"x": 1}), 400) == {"reason": "InvalidField", "field": "x"}
    assert admin.get(f"{ROOT}{kind}/?isDisabled=true").json()["count"] == 0


def test_rotate_enable_and_disable(admin, make):
    token, _ = make.token()
    address = f"{ROOT}tokens/{token.pk}/"
    before = token.secret_digest
    rotated = admin.post(f"{address}rotate/")
    assert rotated.status_code == 200
    assert rotated["ETag"] == '"2"'
    assert rotated.json()["secret"].startswith("udapi_")
    own = "x" * 32
    assert admin.post(f"{address}rotate/", {"secret": own}).json()["secret"] == own
    assert admin.post(f"{address}disable/").json()["isDisabled"] is True
    assert "secret" not in admin.post(f"{address}enable/", {}).json()
    token.refresh_from_db()
    assert (token.revision, token.is_disabled) == (5, False)
    assert token.secret_digest != before


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_accepts_a_secret_and_does_not_show_it(admin, make, method):
    token, _ = make.token()
    before = token.secret_digest
    address = f"{ROOT}tokens/{token.pk}/"
    assert getattr(admin, method)(address, {"name": "x", "secret": None}).status_code == 200
    token.refresh_from_db()
    assert token.secret_digest == before
    answer = getattr(admin, method)(address, {"name": "x", "secret": "y" * 32})
    assert answer.status_code == 200
    assert "y" * 32 not in answer.content.decode()
    token.refresh_from_db()
    assert token.secret_digest != before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["put", "patch"])
def test_what_get_answered_is_accepted_and_changes_nothing(admin, address, kind, method):
    seen = admin.get(address(kind))
    events = InformationEvent.objects.count()
    saved = getattr(admin, method)(address(kind), seen.json())
    assert saved.status_code == 200
    assert (saved.json(), saved["ETag"]) == (seen.json(), seen["ETag"])
    assert admin.get(address(kind)).json() == seen.json()
    assert InformationEvent.objects.count() == events


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READ_ONLY)
@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_read_only_property_is_accepted_only_unchanged(admin, address, kind, name, method):
    seen = admin.get(address(kind)).json()
    send = getattr(admin, method)
    others: list[object] = [READ_ONLY[name], None, 5, [], seen[name] + " "]
    for value in others:
        error = only(send(address(kind), seen | {name: value}), 400)
        assert (error["reason"], error["field"]) == ("InvalidField", name)
    assert admin.get(address(kind))["ETag"] == '"1"'
    assert send(address(kind), seen if method == "put" else {name: seen[name]}).status_code == 200


def test_put_resets_what_it_leaves_out(admin, make):
    token, _ = make.token(is_disabled=True, rate_limit=1, rate_window_seconds=1)
    answer = admin.put(f"{ROOT}tokens/{token.pk}/", {"name": "x"}).json()
    assert (answer["isDisabled"], answer["rateLimit"]) == (False, None)
    definition = make().definition
    body = {"route": "new", "actionMeta": {"scriptName": definition.script.name}}
    answer = admin.put(f"{ROOT}definitions/{definition.pk}/", body).json()
    assert answer["securitySettings"] == {"allowedTokens": []}
    make.script(name="s", description="old", parameters=["a"], timeout_seconds=5, memory_limit_mb=64, reuse="fresh")
    before = admin.get(f"{ROOT}scripts/s/").json()
    assert (before["memoryLimitMb"], before["reuse"]) == (64, "fresh")
    answer = admin.put(f"{ROOT}scripts/s/", {"name": "s", "source": RUN}).json()
    assert (answer["description"], answer["parameters"], answer["timeoutSeconds"]) == ("", [], 60)
    assert (answer["memoryLimitMb"], answer["reuse"]) == (512, "warm")


def test_patch_changes_only_what_it_names(admin, make):
    api = make(route="old")
    before = admin.get(f"{ROOT}definitions/{api.definition.pk}/").json()
    after = admin.patch(f"{ROOT}definitions/{api.definition.pk}/", {"name": "new"}).json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"name", "lastModified", "lastModifiedBy"}
    token, _ = make.token(rate_limit=1, rate_window_seconds=1)
    assert admin.patch(f"{ROOT}tokens/{token.pk}/", {"rateLimit": None}).json()["rateLimit"] is None


@pytest.mark.parametrize(
    "name", ["count", "a/b", "a b?c#d%", "größe", "x/", "..", "7e0cd6a6-3a3c-4a10-9a2b-0d5f7f6c1c55"]
)
def test_scripts_are_addressed_by_name(admin, make, name):
    script = make.script(name=name)
    by_id = admin.get(f"{ROOT}scripts/{script.pk}/")
    assert by_id.json()["name"] == name
    if name not in {"count", ".."}:
        found = admin.get(f"{ROOT}scripts/{quote(name, safe='')}/")
        assert found.json() == by_id.json()
        assert admin.delete(f"{ROOT}scripts/{quote(name, safe='')}/").status_code == 204
        assert not AutomationScript.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_object_is_gone(admin, make, kind):
    token, _ = make.token()
    script = make.script(name="spare")
    api = make()
    api.definition.allowed_tokens.through._base_manager.all().delete()
    key = {"definitions": api.definition.pk, "tokens": token.pk, "scripts": script.name}[kind]
    response = admin.delete(f"{ROOT}{kind}/{key}/")
    assert (response.status_code, response.content) == (204, b"")
    for method in (admin.get, admin.delete, admin.patch):
        assert only(method(f"{ROOT}{kind}/{key}/"), 404) == {"reason": "NotFound"}


FLAGS = {
    "definitions": ("definitions", {"definitions.add_edit", "automation.execute"}),
    "tokens": ("tokens", {"tokens.add_edit"}),
    "scripts": ("automation", {"automation.add_edit"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_read_does_not_tell_whether_the_object_exists(login, address, kind):
    app, _ = FLAGS[kind]
    client = login(f"{app}.add_edit", f"{app}.delete", "automation.execute")
    missing = f"{ROOT}{kind}/{uuid.uuid4()}/"
    existing, absent = client.get(address(kind)), client.get(missing)
    assert only(existing, 403) == {"reason": "PermissionDenied"}
    assert (existing.content, existing.headers) == (absent.content, absent.headers)
    for path in ("", "count/"):
        assert client.get(f"{ROOT}{kind}/{path}").status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_users_who_may_only_edit_get_ids_only(login, address, kind):
    client = login(*FLAGS[kind][1])
    changed = client.patch(address(kind), {"description": "x"} if kind != "tokens" else {"name": "x"})
    assert changed.status_code == 200
    assert list(changed.json()) == ["id"]
    assert changed["ETag"] == '"2"'


def test_users_who_may_only_add_get_the_secret(login):
    answer = login("tokens.add_edit").post(f"{ROOT}tokens/", {"name": "x"})
    assert answer.json().keys() == {"id", "secret"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_users_who_may_only_view_change_nothing(login, address, kind, method):
    client = login("definitions.ui_available", "tokens.ui_available", "automation.ui_available")
    for path in (f"{ROOT}{kind}/", f"{ROOT}{kind}/{uuid.uuid4()}/", address(kind)):
        if (method == "post") == (path == f"{ROOT}{kind}/"):
            assert only(getattr(client, method)(path, {}), 403) == {"reason": "PermissionDenied"}


def test_the_source_of_a_script_in_use_needs_execute(login, make):
    script = make().definition.script
    editor = login("automation.add_edit")
    address = f"{ROOT}scripts/{script.name}/"
    assert only(editor.patch(address, {"source": RUN}), 403)["reason"] == "PermissionDenied"
    assert AutomationScript.objects.get().source == ECHO
    assert editor.patch(address, {"description": "x", "source": ECHO}).status_code == 200
    assert login("automation.add_edit", "automation.execute").patch(address, {"source": RUN}).status_code == 200
    make.script(name="unused")
    assert editor.patch(f"{ROOT}scripts/unused/", {"source": f"{ECHO}\n"}).status_code == 200
    # A script that an API runs could call it by name.
    assert only(editor.patch(f"{ROOT}scripts/unused/", {"source": RUN}), 403)["reason"] == "PermissionDenied"


@pytest.mark.parametrize("kind", [*KINDS, "keys"])
def test_location_is_the_address_of_the_new_object(admin, make, kind):
    make.script(name="echo")
    bodies = {
        "definitions": {"route": "a", "actionMeta": {"scriptName": "echo"}},
        "scripts": {"name": "a/b", "source": RUN},
    }
    made = admin.post(f"{ROOT}{kind}/", bodies.get(kind, {"name": "x"}))
    assert made.status_code == 201
    assert made["Location"] == f"{ROOT}{kind}/{made.json()['id']}/"
    if kind != "keys":
        assert admin.get(made["Location"]).json()["id"] == made.json()["id"]
    assert admin.delete(made["Location"]).status_code == 204


def test_users_who_may_only_add_get_the_address_of_the_new_object(login):
    made = login("tokens.add_edit").post(f"{ROOT}tokens/", {"name": "x"})
    assert made["Location"] == f"{ROOT}tokens/{made.json()['id']}/"


def test_an_unknown_action_is_not_found(admin, make):
    token, _ = make.token()
    assert only(admin.post(f"{ROOT}tokens/{token.pk}/explode/"), 404) == {"reason": "NotFound"}
    assert ApiToken.objects.get().revision == 1
