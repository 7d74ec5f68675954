"""Libraries over the management API: who uses one, what is refused meanwhile, and renewing."""

import pytest
from django.db.models import F

from automation.models import AutomationScript
from automation.versions import LibraryUse, ScriptVersion
from events.models import InformationEvent
from testbed.publisher import ECHO, Publisher
from tests.management.conftest import ROOT, client_of, only, refused, user_with
from tests.race import race

SCRIPTS = f"{ROOT}scripts/"


def libraries_of(name: str) -> dict[str, int]:
    """The libraries of the current version."""
    current = F("version__script__current_version")
    uses = LibraryUse.objects.filter(version__script__name=name, version__number=current)
    return dict(uses.order_by("name").values_list("name", "number"))


def stored():
    """Everything that a save would change."""
    scripts = sorted(AutomationScript.objects.values_list("name", "revision", "current_version"))
    return scripts, ScriptVersion.objects.count(), InformationEvent.objects.count()


def publish_libraries(make) -> None:
    """`base`, used by the library `zone` and through it by `area` and the script `script`; `other` uses none."""
    make.script("NAME = 1\nOLD = 1\n", name="base", kind="Library")
    make.script("from scripts.base import NAME\n", name="zone", kind="Library")
    make.script("import scripts.zone\n", name="area", kind="Library")
    make.script(f"from scripts.area import scripts\n{ECHO}", name="script")
    make.script(name="other")


@pytest.fixture
def chain(make):
    publish_libraries(make)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kind=Library", ["area", "base", "zone"]),
        ("kind=Script", ["other", "script"]),
        ("library=base", ["area", "script", "zone"]),
        ("library=zone", ["area", "script"]),
        ("library=base&kind=Script", ["script"]),
        ("library=script", []),
        ("library=", []),
        ("library=Base", []),
    ],
)
def test_scripts_are_filtered_by_kind_and_library(admin, chain, query, names):
    answer = admin.get(f"{SCRIPTS}?{query}").json()
    assert [each["name"] for each in answer["results"]] == names
    assert admin.get(f"{SCRIPTS}count/?{query}").json() == {"count": len(names)}
    assert only(admin.get(f"{SCRIPTS}?kind=library"), 400) == {"reason": "InvalidField", "field": "kind"}


def test_only_the_current_version_counts_as_a_user(admin, chain):
    admin.patch(f"{SCRIPTS}script/", {"source": ECHO})
    assert [each["name"] for each in admin.get(f"{SCRIPTS}?library=base").json()["results"]] == ["area", "zone"]
    admin.post(f"{SCRIPTS}script/versions/1/activate/")
    assert admin.get(f"{SCRIPTS}count/?library=base").json() == {"count": 3}


CHANGES_IN_USE = [("delete", None), ("patch", {"name": "renamed"}), ("patch", {"kind": "Script", "source": ECHO})]


@pytest.mark.parametrize(("method", "body"), CHANGES_IN_USE)
def test_a_library_in_use_is_neither_deleted_nor_renamed(admin, chain, method, body):
    library, before = AutomationScript.objects.get(name="zone"), stored()
    error = only(getattr(admin, method)(f"{SCRIPTS}zone/", body), 409)
    assert (error["reason"], error["scriptLinks"], error["id"]) == ("ScriptInUse", ["area", "script"], str(library.pk))
    assert stored() == before
    for user in ("script", "area"):
        assert admin.delete(f"{SCRIPTS}{user}/").status_code == 204
    assert getattr(admin, method)(f"{SCRIPTS}zone/", body).status_code in {200, 204}


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        (f"{ECHO}\nimport scripts.unknown\n", 7, "unknown"),
        (f"from scripts.base import NAME, MISSING\n{ECHO}", 1, "MISSING"),
        (f"import scripts\n{ECHO}", 1, "scripts.NAME"),
        (f"import scripts.other\n{ECHO}", 1, "other"),
    ],
)
def test_an_import_that_nothing_resolves_is_named_with_its_line(admin, chain, source, line, said):
    before = stored()
    for answer in (
        admin.post(SCRIPTS, {"name": "new", "source": source}),
        admin.patch(f"{SCRIPTS}other/", {"source": source}),
    ):
        (error,) = refused(answer, 400)
        assert (error["reason"], error["line"]) == ("InvalidScript", line)
        assert said in error["detail"]
    assert stored() == before


def test_libraries_that_would_import_each_other_are_refused(admin, chain):
    (error,) = refused(admin.patch(f"{SCRIPTS}base/", {"source": "NAME = 1\nimport scripts.area\n"}), 400)
    assert (error["reason"], error["line"]) == ("InvalidScript", 2)
    assert "base → area → zone → base" in error["detail"]


def test_renewing_a_script_takes_the_libraries_of_now(admin, chain):
    assert admin.patch(f"{SCRIPTS}base/", {"source": "NAME = 2\nOLD = 2\n"}).status_code == 200
    assert libraries_of("script") == {"area": 1, "base": 1, "zone": 1}
    before = admin.get(f"{SCRIPTS}script/")
    renewed = admin.post(f"{SCRIPTS}script/renew/", headers={"If-Match": before["ETag"]})
    assert renewed.status_code == 200
    assert renewed.json()["currentVersion"] == 2
    assert renewed.json() == admin.get(f"{SCRIPTS}script/").json()
    assert renewed.json()["source"] == before.json()["source"]
    # `area` and `zone` themselves still go on with the old `base`.
    assert libraries_of("script") == {"area": 1, "base": 2, "zone": 1}
    assert InformationEvent.objects.latest("number").message.endswith(": version 2")
    # From here on there is nothing to renew.
    now = stored()
    again = admin.post(f"{SCRIPTS}script/renew/")
    assert (again.status_code, again["ETag"], again.json()) == (200, renewed["ETag"], renewed.json())
    assert admin.post(f"{SCRIPTS}other/renew/").status_code == 200
    assert stored() == now


def test_renewing_is_refused_when_a_library_no_longer_has_a_name(admin, chain):
    admin.patch(f"{SCRIPTS}base/", {"source": "OTHER = 1\n"})
    before = stored()
    error = only(admin.post(f"{SCRIPTS}zone/renew/"), 400)
    assert (error["reason"], error["line"]) == ("InvalidScript", 1)
    assert error["id"] == str(AutomationScript.objects.get(name="zone").pk)
    assert stored() == before


def test_all_users_of_a_library_are_renewed_in_the_order_of_their_imports(admin, chain):
    admin.patch(f"{SCRIPTS}base/", {"source": "NAME = 2\nOLD = 2\n"})
    events = InformationEvent.objects.count()
    answer = admin.post(f"{SCRIPTS}base/renew-users/", {})
    # By name, `area` would come before `zone`, and `script` before that.
    renewed = [{"name": name, "version": 2} for name in ("zone", "area", "script")]
    assert (answer.status_code, answer.json()) == (200, {"renewed": renewed, "refused": []})
    assert libraries_of("script") == {"area": 2, "base": 2, "zone": 2}
    assert InformationEvent.objects.count() == events + 3
    now = stored()
    for name in ("base", "zone", "other", "script"):
        assert admin.post(f"{SCRIPTS}{name}/renew-users/").json() == {"renewed": [], "refused": []}
    assert stored() == now


def test_a_user_that_cannot_be_renewed_does_not_keep_the_others_back(admin, make, chain):
    make.script(f"\nfrom scripts.base import OLD\n{ECHO}", name="behind")
    admin.patch(f"{SCRIPTS}base/", {"source": "NAME = 2\n"})
    answer = admin.post(f"{SCRIPTS}base/renew-users/").json()
    assert [each["name"] for each in answer["renewed"]] == ["zone", "area", "script"]
    (behind,) = answer["refused"]
    assert behind.keys() == {"name", "reason", "detail", "line"}
    assert (behind["name"], behind["reason"], behind["line"]) == ("behind", "InvalidScript", 2)
    assert "OLD" in behind["detail"]
    assert libraries_of("behind") == {"base": 1}


def test_scripts_that_import_each_other_since_a_rollback_are_refused(admin, make):
    make.script("NAME = 1\n", name="ping", kind="Library")
    make.script("import scripts.ping\n", name="pong", kind="Library")
    admin.patch(f"{SCRIPTS}pong/", {"source": "NAME = 1\n"})
    admin.patch(f"{SCRIPTS}ping/", {"source": "import scripts.pong\n"})
    assert admin.post(f"{SCRIPTS}pong/versions/1/activate/").status_code == 200
    # Each goes on with the version of the other that it was saved with; renewing would have no end.
    for library, user in (("ping", "pong"), ("pong", "ping")):
        (error,) = admin.post(f"{SCRIPTS}{library}/renew-users/").json()["refused"]
        assert (error["name"], error["reason"], error["line"]) == (user, "InvalidScript", 1)


def test_each_user_of_a_library_needs_its_own_permission(login, admin, make, chain):
    make(f"import scripts.base\n{ECHO}", name="published")
    make.script(f"import scripts.base\n{ECHO}", name="spare")
    admin.patch(f"{SCRIPTS}base/", {"source": "NAME = 2\nOLD = 2\n"})
    ids = {script.name: str(script.pk) for script in AutomationScript.objects.all()}
    answer = login("automation.add_edit").post(f"{SCRIPTS}base/renew-users/").json()
    # They see neither names nor reasons, because they may not view scripts.
    assert answer["renewed"] == [{"id": ids[name]} for name in ("script", "spare")]
    assert answer["refused"] == [{"id": ids[name]} for name in ("zone", "area", "published")]
    assert only(login("automation.add_edit").post(f"{SCRIPTS}zone/renew/"), 403)["reason"] == "PermissionDenied"
    shown = login("automation.add_edit", "automation.ui_available").post(f"{SCRIPTS}base/renew-users/").json()
    assert [(each["name"], each["reason"], each["line"]) for each in shown["refused"]] == [
        (name, "PermissionDenied", None) for name in ("zone", "area", "published")
    ]
    publisher = login("automation.add_edit", "automation.execute")
    assert publisher.post(f"{SCRIPTS}base/renew-users/").json()["refused"] == []
    assert libraries_of("published") == {"base": 2}
    assert list(publisher.post(f"{SCRIPTS}zone/renew/").json()) == ["id"]


def test_renewals_and_saves_at_the_same_moment_wait_for_each_other(open_db):
    publish_libraries(Publisher())
    user = user_with("automation.add_edit", "automation.ui_available")

    def writer(path, body=None):
        return lambda: client_of(user).generic(
            "PATCH" if body else "POST", f"{SCRIPTS}{path}", body or "{}", "application/json"
        )

    changes = [writer("base/", f'{{"source": "NAME = {n}\\nOLD = {n}\\n"}}') for n in range(2, 5)]
    renewals = [writer("base/renew-users/"), writer("zone/renew-users/"), writer("script/renew/")]
    try:
        assert [answer.status_code for answer in race(*changes, *renewals)] == [200] * 6
        assert writer("base/renew-users/")().json()["refused"] == []
    finally:
        user.delete()
    now = {script.name: script.current_version for script in AutomationScript.objects.all()}
    assert now["base"] == 4
    assert libraries_of("script") == {name: now[name] for name in ("area", "base", "zone")}
