"""Packages over the management API: what waits for its build, building again, renewing, and where packages are."""

import re
from typing import Any

import pytest
from django.utils import timezone

from automation import build_ends
from automation.builds import Build, BuildState, NodeEnvironment, PackageLock
from automation.models import AutomationScript
from automation.versions import ScriptVersion
from definitions.models import ApiDefinition
from testbed.publisher import ECHO
from tests.automation.built import build, finish, has, locked, needing, resolve
from tests.management.conftest import ROOT, only, refused

PACKAGES = needing("six", body=ECHO)
ENVIRONMENTS = f"{ROOT}environments/"
PINNING = ("definitions.add_edit", "automation.execute")


def address(more: str = "", name: str = "packed") -> str:
    return f"{ROOT}scripts/{name}/{more}"


def states(client, query: str = "") -> dict[int, str]:
    return {each["number"]: each["state"] for each in client.get(address(f"versions/{query}")).json()["results"]}


@pytest.fixture
def script(admin, make) -> AutomationScript:
    """A script named `packed` that an API runs; its second version is being built."""
    made: AutomationScript = make(name="packed").definition.script
    admin.patch(address(), {"source": PACKAGES})
    return made


def test_a_save_with_packages_names_the_version_that_waits(admin, make):
    made = admin.post(f"{ROOT}scripts/", {"name": "new", "source": PACKAGES})
    assert made.status_code == 201
    answer = made.json()
    assert (answer["currentVersion"], answer["pendingVersion"], answer["dependencies"]) == (None, 1, ["six"])
    finish(AutomationScript.objects.get(), 1)
    now = admin.get(address(name="new"))
    assert (now.json()["currentVersion"], now.json()["pendingVersion"], now["ETag"]) == (1, None, made["ETag"])
    # What was read before the build ended can be sent back.
    sent = {name: value for name, value in answer.items() if name != "dependencies"}
    again = admin.put(address(name="new"), sent | {"description": "new"})
    assert (again.status_code, again.json()["currentVersion"]) == (200, 1)
    for body in ({"currentVersion": 2}, {"pendingVersion": 2}, {"pendingVersion": 1, "currentVersion": "1"}):
        assert "InvalidField" in {error["reason"] for error in refused(admin.patch(address(name="new"), body), 400)}


def test_a_dry_run_says_what_the_source_asks_for(admin, login, script):
    path, body = address("?dryRun=true"), {"source": needing("attrs", "six", body=ECHO)}
    tried = admin.patch(path, body).json()
    assert (tried["pendingVersion"], tried["dependencies"]) == (3, ["attrs", "six"])
    assert (Build.objects.count(), has(script)) == (1, (1, 2))
    assert "dependencies" not in admin.patch(path, {"source": ECHO}).json()
    hidden = login("automation.add_edit", "automation.execute").patch(path, body).json()
    assert hidden == {"id": str(script.pk)}


def test_versions_say_how_far_they_are(admin, script, django_assert_max_num_queries):
    single = admin.get(address("versions/2/")).json()
    assert (single["state"], single["message"], single["line"], single["packages"]) == ("Building", "", None, [])
    assert re.match(r"\d{4}-", single["build"].pop("startedAt"))
    expected = {"state": "Building", "message": "", "line": None, "log": "", "startedBy": "root", "endedAt": None}
    assert single["build"] == expected | {"nodes": []}
    assert admin.get(address("versions/1/")).json()["build"] is None
    resolve(build(script, 2))
    lock = PackageLock.objects.get()
    for node in (2, 1):
        NodeEnvironment.objects.create(node_id=node, lock=lock, state=BuildState.FAILED, message="full", log="line\n")
    build_ends.failed(build(script, 2).pk, "six: the disk is full")
    single = admin.get(address("versions/2/")).json()
    told = {"state": "Failed", "message": "six: the disk is full", "line": 2, "packages": [_six()]}
    assert single | told == single
    assert single["build"]["nodes"] == [
        {"node": node, "state": "Failed", "message": "full", "log": "line\n", "sizeBytes": 0, "python": "",
         "builtAt": None}
        for node in (1, 2)
    ]  # fmt: skip
    with django_assert_max_num_queries(5):
        listed = admin.get(address("versions/")).json()["results"]
    assert listed == [
        {name: value for name, value in admin.get(address(f"versions/{number}/")).json().items()
         if name not in ("source", "build")}
        for number in (2, 1)
    ]  # fmt: skip


def _six(version: str = "1.0") -> dict[str, str]:
    return {"name": "six", "version": version}


def test_versions_are_filtered_by_state(admin, script):
    admin.patch(address(), {"source": needing("attrs", body=ECHO)})
    assert states(admin) == {3: "Building", 2: "Failed", 1: "Ready"}
    for state in BuildState.values:
        assert set(states(admin, f"?state={state}").values()) == {state}
    finish(script, 3)
    assert states(admin, "?state=Ready") == {3: "Ready", 1: "Ready"}
    assert only(admin.get(address("versions/?state=ready")), 400) == {"reason": "InvalidField", "field": "state"}


def test_a_failed_version_is_built_again(admin, script):
    build_ends.failed(build(script, 2).pk, "why")
    revision = AutomationScript.objects.get().revision
    path = address("versions/2/build/")
    assert only(admin.post(path, headers={"If-Match": f'"{revision - 1}"'}), 412) == {"reason": "Stale"}
    assert only(admin.post(path, {"x": 1}), 400) == {"reason": "InvalidField", "field": "x"}
    assert only(admin.post(f"{path}?dryRun=true"), 400) == {"reason": "InvalidField", "field": "dryRun"}
    assert only(admin.post(address("versions/9/build/")), 404) == {"reason": "NotFound"}
    assert build(script, 2).state == BuildState.FAILED
    begun = admin.post(path, headers={"If-Match": f'"{revision}"'})
    assert (begun.status_code, begun["ETag"]) == (200, f'"{revision}"')
    assert begun.json() == admin.get(address("versions/2/")).json()
    assert (begun.json()["state"], begun.json()["message"]) == ("Building", "")
    # Asked once more, it goes on as it is; and so does one that needs nothing built.
    assert admin.post(path).json()["build"] == begun.json()["build"]
    finish(script, 2)
    assert admin.post(path).json()["state"] == "Ready"
    assert admin.post(address("versions/1/build/")).json()["build"] is None
    assert has(script) == (2, None)


def test_whoever_may_not_run_another_source_may_not_build_it(login, script):
    build_ends.failed(build(script, 2).pk, "why")
    path = address("versions/2/build/")
    for flags in ((), ("automation.ui_available", "automation.execute"), ("automation.add_edit",)):
        assert only(login(*flags).post(path), 403)["reason"] == "PermissionDenied"
    assert build(script, 2).state == BuildState.FAILED
    hidden = login("automation.add_edit", "automation.execute").post(path)
    assert (hidden.json(), build(script, 2).state) == ({"id": str(script.pk)}, BuildState.BUILDING)


def test_packages_are_renewed_when_asked(admin, script):
    finish(script, 2)
    assert admin.post(address("renew/")).json()["pendingVersion"] is None
    assert only(admin.post(address("renew/"), {"packages": 1}), 400) == {"reason": "InvalidField", "field": "packages"}
    renewed = admin.post(address("renew/"), {"packages": True}).json()
    assert (renewed["currentVersion"], renewed["pendingVersion"]) == (2, 3)
    finish(script, 3, "2.0")
    assert admin.get(address("versions/3/")).json()["packages"] == [_six("2.0")]
    assert has(script) == (3, None)


def test_renewed_users_of_a_library_are_named_with_the_version_that_waits(admin, make, script):
    make.script("NAME = 1\n", name="tools", kind="Library")
    admin.patch(address(), {"source": needing("six", body=f"import scripts.tools\n{ECHO}")})
    admin.patch(address(name="tools"), {"source": "NAME = 2\n"})
    renewed = admin.post(address("renew-users/", "tools")).json()
    assert renewed == {"renewed": [{"name": "packed", "version": 4}], "refused": []}
    assert only(admin.delete(address(name="tools")), 409)["reason"] == "ScriptInUse"


def test_going_back_to_what_is_not_built_says_what_waits(admin, script):
    finish(script, 2)
    assert admin.post(address("versions/1/activate/")).json()["currentVersion"] == 1
    back = admin.post(address("versions/2/activate/"))
    assert back.status_code == 200
    assert (back.json()["currentVersion"], back.json()["pendingVersion"]) == (1, 2)
    assert (back.json()["source"], has(script)) == (PACKAGES, (1, 2))
    assert states(admin, "?state=Building") == {2: "Building"}


def test_events_of_builds_are_shown_to_those_who_may_view_scripts(login, script):
    finish(script, 2)
    sees, sees_not = (login(flag) for flag in ("automation.ui_available", "definitions.ui_available"))
    query = f"{ROOT}events/?objectId={script.pk}"
    assert [each["message"].partition("): ")[2] for each in sees.get(query).json()["results"]][:1] == [
        "version 2 is ready and current"
    ]
    assert sees_not.get(query).json()["results"] == []


# --- Pins ---


@pytest.fixture
def definition(script) -> ApiDefinition:
    return ApiDefinition.objects.get()


def pin(client, definition: ApiDefinition, number: int, **more: Any):
    path = f"{ROOT}definitions/{definition.pk}/"
    return client.patch(path, {"actionMeta": {"scriptVersion": number}} | more)


def test_an_api_is_pinned_to_a_ready_version_only(admin, script, definition):
    refused = admin.patch(f"{ROOT}definitions/{definition.pk}/", {"actionMeta": {"scriptVersion": 2}})
    assert "being installed" in refused.json()["errors"][0]["detail"]
    assert only(refused, 400)["reason"] == "InvalidActionMeta"
    build_ends.failed(build(script, 2).pk, "why")
    assert only(pin(admin, definition, 2), 400)["reason"] == "InvalidActionMeta"
    admin.post(address("versions/2/build/"))
    finish(script, 2)
    assert pin(admin, definition, 2).status_code == 200


def test_an_api_whose_environment_is_gone_can_still_be_changed(admin, script, definition):
    finish(script, 2)
    assert pin(admin, definition, 2).status_code == 200
    Build.objects.update(state=BuildState.FAILED)
    path = f"{ROOT}definitions/{definition.pk}/"
    assert admin.patch(path, {"name": "new"}).status_code == 200
    assert pin(admin, definition, 2, description="new").status_code == 200
    assert admin.post(f"{path}disable/").status_code == admin.post(f"{path}enable/").status_code == 200
    assert pin(admin, definition, 1).status_code == 200
    assert only(pin(admin, definition, 2), 400)["reason"] == "InvalidActionMeta"


# --- Where packages are ---


@pytest.fixture
def installed(admin, script) -> Any:
    """Two environments on node 1, the older one on node 2 as well."""
    first = locked(script, 2)
    admin.patch(address(), {"source": needing("attrs", body=ECHO)})
    second = locked(script, 3, "3.0")
    NodeEnvironment.objects.create(node_id=2, lock=first, state=BuildState.FAILED, message="full")
    times = {"built_at": timezone.now(), "used_at": timezone.now()}
    for lock in (first, second):
        NodeEnvironment.objects.create(
            node_id=1, lock=lock, state=BuildState.READY, size_bytes=5, python="cp311", **times
        )
    return first, second


def test_environments_are_listed_by_node(admin, installed, make, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        answer = admin.get(ENVIRONMENTS).json()
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)
    found = answer["results"]
    assert [(each["node"], each["state"]) for each in found] == [(1, "Ready"), (1, "Ready"), (2, "Failed")]
    for each in found[:2]:
        assert re.match(r"\d{4}-", each.pop("builtAt"))
        assert re.match(r"\d{4}-", each.pop("usedAt"))
    assert found[1] == {
        "node": 1,
        "digest": installed[1].digest,
        "packages": [{"name": "attrs", "version": "3.0"}],
        "python": "cp311",
        "state": "Ready",
        "message": "",
        "sizeBytes": 5,
        "usedBy": ["packed"],
    }
    assert (found[2]["message"], found[2]["builtAt"], found[2]["usedAt"]) == ("full", None, None)
    # Whatever the number of scripts, versions and nodes.
    admin.post(f"{ROOT}scripts/", {"name": "another", "source": PACKAGES})
    finish(AutomationScript.objects.get(name="another"), 1)
    with django_assert_max_num_queries(5):
        assert admin.get(ENVIRONMENTS).json()["results"][0]["usedBy"] == ["another", "packed"]


def test_environments_are_narrowed_and_paged(admin, installed):
    def nodes(query: str) -> list[int]:
        return [each["node"] for each in admin.get(f"{ENVIRONMENTS}?{query}").json()["results"]]

    assert nodes("node=1") == [1, 1]
    assert nodes("node=2&state=Failed") == nodes("limit=1&offset=2") == [2]
    assert nodes("node=7") == nodes("state=Building") == []
    for query in (
        "node=x",
        "node=0",
        "node=-1",
        f"node={2**31}",
        "node=",
        "state=ready",
        "state=",
        "search=x",
        "ordering=node",
    ):
        error = only(admin.get(f"{ENVIRONMENTS}?{query}"), 400)
        assert error == {"reason": "InvalidField", "field": query.partition("=")[0]}


def test_environments_name_scripts_to_those_who_may_view_them(login, installed):
    assert only(login("automation.ui_available").get(ENVIRONMENTS), 403)["reason"] == "PermissionDenied"
    for flag in ("definitions.ui_available", "tokens.ui_available"):
        found = login(flag).get(ENVIRONMENTS).json()["results"]
        assert len(found) == 3
        assert all("usedBy" not in each for each in found)
        assert "packed" not in str(found)
    found = login("definitions.ui_available", "automation.ui_available").get(ENVIRONMENTS).json()["results"]
    assert all(each["usedBy"] == ["packed"] for each in found)


def test_an_environment_of_a_deleted_script_is_used_by_nobody(admin, installed):
    # As the release before: it leaves versions and builds behind.
    ScriptVersion._base_manager.all().delete()
    assert {tuple(each["usedBy"]) for each in admin.get(ENVIRONMENTS).json()["results"]} == {()}


# --- Trials ---


def test_a_trial_waits_for_its_packages(admin, login, script):
    trial, body = f"{ROOT}scripts/trial/", {"source": needing("attrs", body=ECHO), "method": "Get"}
    begun = admin.post(trial, body)
    error = only(begun, 409)
    assert (error["reason"], error["state"], error["message"], error["log"]) == ("PackagesNotReady", "Building", "", "")
    build_ends.failed(error["build"], "There is no attrs.")
    failed = only(admin.post(trial, body), 409)
    assert failed == error | {"state": "Failed", "message": "There is no attrs."}
    again = only(admin.post(trial, body | {"buildAgain": True}), 409)
    assert (again["state"], again["build"] != error["build"]) == ("Building", True)
    assert only(login("automation.add_edit").post(trial, body), 403)["reason"] == "PermissionDenied"
    assert only(admin.post(trial, body | {"buildAgain": 1}), 400) == {"reason": "InvalidField", "field": "buildAgain"}
