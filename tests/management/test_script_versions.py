"""Versions over the management API: the history, going back, and pinned definitions."""

import hashlib
import json
import re

import pytest

from automation.models import AutomationScript
from automation.versions import ScriptVersion
from events.models import InformationEvent
from testbed.publisher import ECHO
from tests.management.conftest import ROOT, only

RUN = "def run(engine): pass\n"


def address(name: str, more: str = "") -> str:
    return f"{ROOT}scripts/{name}/{more}"


def numbers(client, name: str, query: str = "") -> list[int]:
    return [version["number"] for version in client.get(address(name, f"versions/{query}")).json()["results"]]


def messages(script_id) -> list[str]:
    rows = InformationEvent.objects.filter(object_id=script_id).order_by("number")
    return [message.partition("root")[2] for message in rows.values_list("message", flat=True)]


@pytest.fixture
def edited(admin, make):
    """A script named `edited` with three versions, of which the last is current; one definition is pinned to 2."""
    api = make(name="edited", description="as it was")
    admin.patch(address("edited"), {"source": ECHO + RUN, "timeoutSeconds": 5, "versionNote": "Runs, too"})
    admin.patch(f"{ROOT}definitions/{api.definition.pk}/", {"actionMeta": {"scriptVersion": 2}})
    admin.patch(address("edited"), {"parameters": ["a"], "reuse": "fresh"})
    return api


def test_a_version_on_the_wire(admin, edited):
    answer = admin.get(address("edited", "versions/2/")).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", answer.pop("createdAt"))
    content = {
        "kind": "Script", "source": ECHO + RUN, "parameters": [], "timeout_seconds": 5, "memory_limit_mb": 512,
        "reuse": "warm", "libraries": {},
    }  # fmt: skip
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert answer == {
        "number": 2,
        "contentHash": hashlib.sha256(text.encode()).hexdigest(),
        "createdBy": "root",
        "note": "Runs, too",
        "kind": "Script",
        "parameters": [],
        "timeoutSeconds": 5,
        "memoryLimitMb": 512,
        "reuse": "warm",
        "entryPoints": ["on_api_trigger", "run"],
        "libraries": [],
        "isCurrent": False,
        "state": "Ready",
        "message": "",
        "line": None,
        "packages": [],
        "pinnedBy": [str(edited.definition.pk)],
        "source": ECHO + RUN,
        "build": None,
    }


def test_versions_are_listed_newest_first_without_source(admin, edited, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        answer = admin.get(address("edited", "versions/")).json()
    assert answer.keys() == {"count", "next", "previous", "results"}
    assert [(each["number"], each["isCurrent"]) for each in answer["results"]] == [(3, True), (2, False), (1, False)]
    for each in answer["results"]:
        single = admin.get(address("edited", f"versions/{each['number']}/")).json()
        assert single.pop("source").startswith(ECHO)
        assert single.pop("build") is None
        assert single == each
    assert numbers(admin, "edited", "?limit=1&offset=1") == [2]
    assert only(admin.get(address("edited", "versions/?search=x")), 400) == {
        "reason": "InvalidField",
        "field": "search",
    }
    assert admin.get(address("edited")).json()["currentVersion"] == 3


@pytest.mark.parametrize("number", ["0", "4", "01", "-1", "1.0", "x", "٣", "9" * 30, "%00"])
def test_an_unknown_version_is_not_found(admin, edited, number):
    revision = AutomationScript.objects.get().revision
    paths = ((admin.get, ""), (admin.post, "activate/"), (admin.post, "activate/?dryRun=true"), (admin.post, "build/"))
    for method, path in paths:
        assert only(method(address("edited", f"versions/{number}/{path}")), 404) == {"reason": "NotFound"}
    assert AutomationScript.objects.get().revision == revision


def test_a_version_has_an_address_whatever_its_number(admin, edited):
    largest = 2**31 - 1
    ScriptVersion._base_manager.filter(number=1).update(number=largest)
    assert admin.get(address("edited", f"versions/{largest}/")).json()["number"] == largest
    assert admin.post(address("edited", f"versions/{largest}/activate/")).json()["currentVersion"] == largest


def test_versions_of_an_unknown_script_are_not_found(admin):
    paths = [(admin.get, "versions/"), (admin.get, "versions/1/"), (admin.post, "versions/1/activate/")]
    for method, path in [*paths, (admin.post, "renew/"), (admin.post, "renew-users/")]:
        assert only(method(address("unknown", path)), 404) == {"reason": "NotFound"}


def test_going_back_restores_how_it_runs_and_makes_no_version(admin, edited):
    script = AutomationScript.objects.get()
    admin.patch(address("edited"), {"description": "as it is"})
    back = admin.post(address("edited", "versions/1/activate/"), headers={"If-Match": f'"{script.revision + 1}"'})
    assert (back.status_code, back["ETag"]) == (200, f'"{script.revision + 2}"')
    assert back.json() == admin.get(address("edited")).json()
    now = {"currentVersion": 1, "source": ECHO, "timeoutSeconds": 60, "parameters": [], "reuse": "warm"}
    assert back.json() | now | {"description": "as it is", "name": "edited"} == back.json()
    assert numbers(admin, "edited") == [3, 2, 1]
    assert [each["isCurrent"] for each in admin.get(address("edited", "versions/")).json()["results"]][-1]
    # One event, and the number of a version is never given twice.
    assert messages(script.pk)[-3:] == [": version 3", "", ": back to version 1"]
    admin.patch(address("edited"), {"timeoutSeconds": 7})
    assert numbers(admin, "edited") == [4, 3, 2, 1]


@pytest.mark.parametrize("path", ["versions/1/activate/", "renew/", "renew-users/"])
def test_a_change_of_an_older_revision_is_stale(admin, edited, path):
    stored = AutomationScript.objects.values().get()
    assert only(admin.post(address("edited", path), headers={"If-Match": '"1"'}), 412) == {"reason": "Stale"}
    assert only(admin.post(address("edited", path), {"x": 1}), 400) == {"reason": "InvalidField", "field": "x"}
    assert AutomationScript.objects.values().get() == stored


def test_a_version_with_a_deleted_library_cannot_be_activated(admin, make):
    make.script("NAME = 1", name="gone", kind="Library")
    script = make.script(f"import scripts.gone\n{ECHO}", name="importing")
    admin.patch(address("importing"), {"source": ECHO})
    assert admin.delete(address("gone")).status_code == 204
    error = only(admin.post(address("importing", "versions/1/activate/")), 400)
    assert (error["reason"], error["line"], error["id"]) == ("InvalidScript", None, str(script.pk))
    version = admin.get(address("importing", "versions/1/")).json()
    assert version["libraries"] == [{"name": "gone", "version": 1}]
    assert admin.get(address("importing")).json()["currentVersion"] == 2


@pytest.mark.parametrize("name", ["a/b", "versions", "a/versions", "a/versions/1", "a/renew", "versions/1/activate"])
def test_scripts_whose_names_look_like_addresses_are_reached(admin, make, name):
    make.script(RUN, name="a")
    script = make.script(name=name)
    assert admin.get(address(str(script.pk))).json()["name"] == name
    assert admin.get(address(str(script.pk), "versions/1/")).json()["source"] == ECHO
    # Its own addresses are longer than those of another script.
    assert numbers(admin, name) == [1]
    assert admin.post(address(name, "versions/1/activate/")).json()["name"] == name


def test_users_see_only_what_they_may(login, edited):
    viewer = login("automation.ui_available")
    assert all("pinnedBy" not in each for each in viewer.get(address("edited", "versions/")).json()["results"])
    assert "pinnedBy" not in viewer.get(address("edited", "versions/2/")).json()
    assert only(viewer.post(address("edited", "versions/1/activate/")), 403)["reason"] == "PermissionDenied"
    editor = login("automation.add_edit")
    assert only(editor.get(address("edited", "versions/")), 403)["reason"] == "PermissionDenied"
    # An API runs it, so another version is another code.
    assert only(editor.post(address("edited", "versions/1/activate/")), 403)["reason"] == "PermissionDenied"
    publisher = login("automation.add_edit", "automation.execute")
    assert list(publisher.post(address("edited", "versions/1/activate/")).json()) == ["id"]
    assert ScriptVersion.objects.filter(number=1, script__current_version=1).exists()


PINNED_TO = [
    ({"scriptVersion": 3}, 3),
    ({"scriptVersion": None}, None),
    ({"scriptName": "edited"}, 2),
    ({"inputType": "Parameters"}, 2),
    ({"scriptName": "other"}, None),
    ({"scriptName": "other", "scriptVersion": 1}, 1),
]


@pytest.mark.parametrize(("meta", "version"), PINNED_TO)
def test_a_definition_stays_pinned_until_something_else_is_said(admin, make, edited, meta, version):
    make.script(name="other")
    definition = f"{ROOT}definitions/{edited.definition.pk}/"
    changed = admin.patch(definition, {"actionMeta": meta})
    assert changed.status_code == 200
    assert changed.json() == admin.get(definition).json()
    assert changed.json()["actionMeta"]["scriptVersion"] == version
    name = changed.json()["actionMeta"]["scriptName"]
    pinned = {each["number"]: each["pinnedBy"] for each in admin.get(address(name, "versions/")).json()["results"]}
    assert {number: ids for number, ids in pinned.items() if ids} == (
        {} if version is None else {version: [str(edited.definition.pk)]}
    )


def test_a_replaced_definition_is_pinned_to_nothing_else(admin, edited):
    definition = f"{ROOT}definitions/{edited.definition.pk}/"
    replaced = admin.put(definition, {"route": "x", "actionMeta": {"scriptName": "edited"}})
    assert replaced.json()["actionMeta"]["scriptVersion"] is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"actionMeta": {"scriptVersion": 4}}, "InvalidActionMeta"),
        ({"actionMeta": {"scriptVersion": 0}}, "InvalidActionMeta"),
        ({"actionMeta": {"scriptVersion": -1}}, "InvalidActionMeta"),
        # Version 1 has no run(engine).
        ({"actionType": "AutomationScriptNoEntryPoint", "actionMeta": {"scriptVersion": 1}}, "InvalidActionMeta"),
        ({"actionMeta": {"scriptVersion": "2"}}, "InvalidField"),
        ({"actionMeta": {"scriptVersion": 2.0}}, "InvalidField"),
    ],
)
def test_a_definition_is_pinned_only_to_versions_that_it_can_run(admin, edited, body, reason):
    definition = f"{ROOT}definitions/{edited.definition.pk}/"
    assert only(admin.patch(definition, body), 400)["reason"] == reason
    assert admin.get(definition).json()["actionMeta"]["scriptVersion"] == 2
