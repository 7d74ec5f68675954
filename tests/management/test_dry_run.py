"""Dry runs: everything is tried, nothing is kept, and warnings say what a change does to APIs."""

import pytest
from django.apps import apps

from definitions.models import ActionType, ApiDefinition
from testbed.publisher import ECHO
from tests.management.conftest import ROOT, only, refused

RUN = "def run(engine): pass\n"
SCRIPTS = f"{ROOT}scripts/"
MOVING = ("id", "createdAt", "lastModified")


def everything():
    """Every row of every table."""
    return {model._meta.label: sorted(map(repr, model._base_manager.values_list())) for model in apps.get_models()}


@pytest.fixture
def script(admin, make):
    """A script named `tried` with two versions; an API runs it. `taken` is a library that `using` imports."""
    api = make(name="tried", description="as it was")
    admin.patch(f"{SCRIPTS}tried/", {"timeoutSeconds": 5})
    make.script("NAME = 1\n", name="taken", kind="Library")
    make.script(f"from scripts.taken import NAME\n{ECHO}", name="using")
    return api


def sent(client, method, path, body, *, dry_run, **options):
    query = "?dryRun=true" if dry_run else ""
    return getattr(client, method)(f"{SCRIPTS}{path}{query}", body, **options)


CHANGES = [
    ("post", "", {"name": "new", "source": ECHO, "versionNote": "First"}),
    ("post", "", {"name": "new", "kind": "Library", "source": "import scripts.taken"}),
    ("put", "tried/", {"name": "renamed", "source": f"{ECHO}\n", "parameters": ["a"]}),
    ("patch", "tried/", {"source": f"import scripts.taken\n{ECHO}"}),
    ("patch", "tried/", {"description": "another"}),
    ("patch", "taken/", {"source": "NAME = 2\n"}),
    ("post", "tried/versions/1/activate/", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_dry_run_answers_as_the_change_would_and_keeps_nothing(admin, script, method, path, body):
    before = everything()
    tried = sent(admin, method, path, body, dry_run=True)
    assert tried.status_code == 200
    assert "ETag" not in tried
    assert "Location" not in tried
    assert everything() == before
    done = sent(admin, method, path, body, dry_run=False)
    assert done.status_code == (201 if path == "" else 200)
    assert {name: value for name, value in tried.json().items() if name not in MOVING} == {
        name: value for name, value in done.json().items() if name not in MOVING
    }
    if path:
        assert tried.json()["id"] == done.json()["id"]
    assert done.json()["currentVersion"] == admin.get(f"{SCRIPTS}{done.json()['id']}/").json()["currentVersion"]


REFUSED = [
    ("post", "", {"name": "tried", "source": ECHO}, 409),
    ("post", "", {"name": "new", "source": "def"}, 400),
    ("post", "", {"name": "new", "source": "import scripts.unknown\n" + ECHO}, 400),
    ("post", "", {"name": "", "source": ECHO, "timeoutSeconds": 0, "versionNote": "x" * 1001}, 400),
    ("put", "tried/", {"name": "taken", "source": ECHO}, 409),
    ("put", "tried/", {"nothing": 1}, 400),
    ("patch", "taken/", {"name": "renamed"}, 409),
    ("patch", "taken/", {"kind": "Script"}, 400),
    ("patch", "taken/", {"source": "import scripts.taken"}, 400),
    ("patch", "unknown/", {"source": ECHO}, 404),
    ("post", "tried/versions/3/activate/", {}, 404),
    ("post", "tried/versions/1/activate/", {"x": 1}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED)
def test_a_dry_run_is_refused_as_the_change_would_be(admin, script, method, path, body, status):
    before = everything()
    tried, done = (sent(admin, method, path, body, dry_run=dry_run) for dry_run in (True, False))
    assert refused(tried, status) == refused(done, status)
    assert everything() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("patch", "tried/", {"source": RUN}), ("post", "tried/versions/1/activate/", {})],
)
def test_a_dry_run_needs_what_the_change_needs(admin, login, script, method, path, body):
    stale = sent(admin, method, path, body, dry_run=True, headers={"If-Match": '"1"'})
    assert only(stale, 412) == {"reason": "Stale"}
    editor = login("automation.add_edit")
    tried, done = (sent(editor, method, path, body, dry_run=dry_run) for dry_run in (True, False))
    assert only(tried, 403)["reason"] == "PermissionDenied"
    assert tried.json() == done.json()
    publisher = login("automation.add_edit", "automation.execute")
    assert sent(publisher, method, path, body, dry_run=True).json().keys() <= {"id", "warnings"}


@pytest.mark.parametrize("query", ["1", "True", "", "yes", "true&dryRun=false", "true&dryRun=true"])
@pytest.mark.parametrize(("method", "path", "body"), [CHANGES[0], CHANGES[3], CHANGES[-1]])
def test_any_other_value_is_refused(admin, script, method, path, body, query):
    before = everything()
    answer = getattr(admin, method)(f"{SCRIPTS}{path}?dryRun={query}", body)
    assert only(answer, 400) == {"reason": "InvalidField", "field": "dryRun"}
    assert everything() == before


def test_dry_run_false_is_no_dry_run(admin, script):
    answer = admin.patch(f"{SCRIPTS}tried/?dryRun=false", {"description": "kept"})
    assert answer["ETag"] == admin.get(f"{SCRIPTS}tried/")["ETag"]
    assert admin.get(f"{SCRIPTS}tried/").json()["description"] == "kept"


def test_what_has_no_dry_run_is_not_done_instead(admin, script):
    token, definition = f"{ROOT}tokens/{script.token.pk}/", f"{ROOT}definitions/{script.definition.pk}/"
    before = everything()
    for answer in (
        admin.delete(f"{SCRIPTS}using/?dryRun=true"),
        admin.post(f"{SCRIPTS}using/renew/?dryRun=true"),
        admin.post(f"{SCRIPTS}taken/renew-users/?dryRun=true"),
        admin.patch(f"{definition}?dryRun=true", {"name": "x"}),
        admin.post(f"{definition}disable/?dryRun=true"),
        admin.delete(f"{token}?dryRun=true"),
    ):
        assert only(answer, 400) == {"reason": "InvalidField", "field": "dryRun"}
    assert everything() == before
    assert admin.generic("TRACE", f"{SCRIPTS}?dryRun=true").status_code == 405


READS = "def run(engine): engine.script_param('kept')\n"
WARNED = [
    ({"source": RUN}, ["EntryPointMissing"]),
    ({"parameters": ["kept", "new"]}, ["ParameterAdded"]),
    ({"parameters": []}, ["ParameterRemoved"]),
    ({"parameters": ["new"]}, ["ParameterAdded", "ParameterRemoved"]),
    ({"source": ECHO, "parameters": ["kept"]}, ["EntryPointMissing"]),
    ({"description": "x", "timeoutSeconds": 7}, []),
]


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(("change", "reasons"), WARNED)
def test_an_answer_warns_of_what_the_change_does_to_apis(admin, login, make, change, reasons, dry_run):
    make(ECHO + READS, name="watched", parameters=["kept"])
    pinned = set()
    for number, version in enumerate((None, 1, 1)):
        action_type = ActionType.AUTOMATION_SCRIPT if number == 2 else ActionType.NO_ENTRY_POINT
        meta = {"scriptName": "watched", "scriptVersion": version}
        body = {"route": f"watched/{number}", "actionType": action_type, "actionMeta": meta}
        made = admin.post(f"{ROOT}definitions/", body).json()["id"]
        pinned |= {made} if version else set()
    hidden = login("automation.add_edit", "automation.execute").patch(f"{SCRIPTS}watched/?dryRun=true", change).json()
    answer = admin.patch(f"{SCRIPTS}watched/{'?dryRun=true' if dry_run else ''}", change).json()
    assert [each["reason"] for each in answer.get("warnings", [])] == reasons
    assert ("warnings" in answer) == ("warnings" in hidden) == bool(reasons)
    assert hidden.keys() <= {"id", "warnings"}
    current = {str(pk) for pk in ApiDefinition.objects.values_list("pk", flat=True)} - pinned
    for shown, unseen in zip(answer.get("warnings", []), hidden.get("warnings", []), strict=True):
        ids = shown["apiDefinitionIdLinks"]
        assert set(ids) <= current
        assert unseen == {"reason": shown["reason"], "detail": f"{shown['detail']} APIs: {len(ids)}."}
        assert ids
