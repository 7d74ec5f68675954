"""Builds in the console: what a save says, the panel that shows a build, building and resolving again."""

import pytest
from django.urls import reverse

from automation import build_changes, build_ends
from automation.builds import Build, BuildState, NodeEnvironment, PackageLock
from automation.locks import LockedPackage
from automation.requirements import Requirements
from objects.changes import save_checked
from runs.store import store_records
from testbed.publisher import ECHO
from tests.console.conftest import page, said, submit
from tests.console.test_query_counts import queries
from tests.runs.records import ended

MODEL = "automation_automationscript"
BLOCK = '# /// script\n# dependencies = ["httpx>=0.27"]\n# ///\n'
LOCK = [LockedPackage("anyio", "4.4.0"), LockedPackage("httpx", "0.27.2"), LockedPackage("lxml", "5.3.0")]
HASH = "sha256:" + "0" * 64


def build_of(script, number) -> Build:
    return Build.objects.get(version__script=script, version__number=number)


def lock_of(build) -> PackageLock:
    """What the packages of a build were resolved to."""
    return PackageLock.objects.get(builds=build.pk)


def resolve(build, packages=LOCK) -> PackageLock:
    """What a node stores when it has found versions that fit together."""
    text = "".join(f"{each.name}=={each.version} --hash={HASH}\n" for each in packages)
    build_changes.resolved(build.pk, Requirements.from_json(build.requirements), text, packages)
    return lock_of(build)


def install(lock, state=BuildState.READY, node=1, **columns) -> NodeEnvironment:
    """What a node stores of the environment that it makes."""
    return NodeEnvironment.objects.create(node_id=node, lock=lock, state=state, **columns)


def finish(script, number, packages=LOCK) -> None:
    """End the build of a version well."""
    build = build_of(script, number)
    install(resolve(build, packages))
    build_ends.ready(build.pk)
    script.refresh_from_db()


@pytest.fixture
def script(make):
    """A script whose version 2 has packages, and waits for its build."""
    script = make.script(ECHO, name="fetching")
    script.source = BLOCK + ECHO
    return save_checked(script, "jane")


def test_a_save_with_packages_says_what_runs_and_shows_the_build(admin, make):
    script = make.script()
    answer = submit(admin, page(MODEL, "change", script.pk), source=BLOCK + ECHO, _save="1")
    response = admin.get(answer.url, follow=True)
    assert "Version 2 becomes current as soon as it is built; version 1 runs until then." in said(response)
    assert "is current" not in said(response)
    content = response.content.decode()
    assert "Finding versions that fit together" in content
    assert "httpx&gt;=0.27" in content
    assert 'data-every="1"' in content
    answer = submit(admin, page(MODEL, "add"), name="new", source=BLOCK + ECHO, _save="1")
    response = admin.get(answer.url, follow=True)
    assert "Version 1 becomes current as soon as it is built; calls are refused until then." in said(response)
    assert 'id="build"' in response.content.decode()


def test_the_panel_follows_the_build_and_ends(admin, script):
    address = page(MODEL, "build", script.pk, 2)
    lock = resolve(build_of(script, 2))
    install(lock, size_bytes=5 * 1024 * 1024, python="cp311-linux-x86_64", log="Installed 3 packages\n")
    install(lock, BuildState.BUILDING, node=2)
    content = admin.get(address).content.decode()
    assert "Version 1 runs until every node has its packages." in content
    assert "httpx 0.27.2" in content
    assert "Needed by these" in content
    assert "5.0\xa0MB" in content
    assert "Installed 3 packages" in content
    for kind in ("change", "dependencies", "versions"):
        assert 'id="build"' in admin.get(page(MODEL, kind, script.pk)).content.decode()
    build_ends.ready(build_of(script, 2).pk)
    content = admin.get(address).content.decode()
    assert "Version 2 is current." in content
    assert "data-every" not in content
    assert 'id="build"' not in admin.get(page(MODEL, "change", script.pk)).content.decode()
    content = admin.get(page(MODEL, "dependencies", script.pk)).content.decode()
    assert 'id="build"' not in content
    assert "httpx 0.27.2" in content


def test_a_failed_build_names_its_line_and_is_built_again(admin, visit, script):
    build = build_of(script, 2)
    install(resolve(build), BuildState.FAILED, message="No space <left>.")
    build_ends.failed(build.pk, "There is no httpx that fits.")
    versions = admin.get(page(MODEL, "versions", script.pk)).content.decode()
    source = page(MODEL, "version", script.pk, 2)
    for content in (versions, admin.get(source).content.decode()):
        assert "There is no httpx that fits." in content
        assert f'href="{source}#L2"' in content
        assert "Version 1 still runs." in content
        assert "No space &lt;left&gt;." in content
    address = page(MODEL, "build", script.pk, 2)
    reader = visit("automation.ui_available")
    assert "Build again" not in reader.get(address).content.decode()
    assert reader.post(address).status_code == 403
    assert admin.post(address).url == source
    build.refresh_from_db()
    assert (build.state, build.becomes_current, build.started_by) == (BuildState.BUILDING, True, "root")
    started = build.started_at
    # A second press does nothing.
    admin.post(address)
    build.refresh_from_db()
    assert build.started_at == started


def test_packages_are_resolved_again_as_a_new_version(admin, script):
    finish(script, 2)
    address = page(MODEL, "resolve", script.pk)
    content = admin.get(address).content.decode()
    assert "Version 2 runs until every node has them." in content
    answer = admin.post(address, {"seen_revision": script.revision})
    assert answer.url == page(MODEL, "version", script.pk, 3)
    script.refresh_from_db()
    assert (script.current_version, script.pending_version) == (2, 3)
    assert build_of(script, 3).lock is None
    # Somebody else has saved it since.
    assert "Look at it again" in admin.post(address, {"seen_revision": 1}).content.decode()
    assert script.versions.count() == 3


def test_an_older_version_is_built_before_it_becomes_current(admin, script):
    finish(script, 2)
    script.source = ECHO
    save_checked(script, "jane")
    NodeEnvironment.objects.all().delete()
    build_ends.environment_removed(lock_of(build_of(script, 2)).pk)
    address = page(MODEL, "activate", script.pk, 2)
    assert "It is built first" in admin.get(address).content.decode()
    answer = admin.post(address, {"seen_revision": script.revision, "asked": "1"}, follow=True)
    assert "Version 2 becomes current as soon as it is built; version 3 runs until then." in said(answer)
    script.refresh_from_db()
    assert (script.current_version, script.pending_version) == (3, 2)
    # The one that runs can be kept instead.
    assert "Keep current" in answer.content.decode()
    answer = admin.post(
        page(MODEL, "activate", script.pk, 3), {"seen_revision": script.revision, "asked": "1"}, follow=True
    )
    assert "Version 3 is current." in said(answer)
    script.refresh_from_db()
    assert (script.current_version, script.pending_version) == (3, None)


def test_only_ready_versions_are_offered_for_pinning(admin, make, script):
    options = page("definitions", "show_versions")
    content = admin.get(options, {"script": script.pk}).content.decode()
    assert 'value="2" data-entry-points="on_api_trigger" disabled' in content
    assert "is being built" in content
    assert content.count(" disabled") == 1


def test_runs_are_repeated_on_ready_versions_only(admin, make):
    api = make(ECHO)
    definition, script = api.definition, api.definition.script
    script.source = BLOCK + ECHO
    save_checked(script, "jane")
    assert admin.get(reverse("admin:run_series", args=[definition.pk])).context["versions"] == [1]
    record = ended(definition_id=str(definition.pk), script_id=str(script.pk), script_version=2)
    store_records([record])
    again = reverse("admin:run_again", args=[record.id])
    assert [choice.value for choice in admin.get(again).context["versions"]] == [""]
    definition.script = make.script(BLOCK + ECHO)
    save_checked(definition, "jane")
    content = admin.get(again).content.decode()
    assert "No version of its script is ready." in content


def test_packages_name_the_library_that_asks_for_them(admin, make, script):
    make.script('# /// script\n# dependencies = ["lxml"]\n# ///\ndef a(): pass\n', name="trees", kind="Library")
    script.source = f"{BLOCK}from scripts.trees import a\n{ECHO}"
    save_checked(script, "jane")
    finish(script, 3)
    packages = admin.get(page(MODEL, "dependencies", script.pk)).context["packages"]
    assert [(group.library, group.is_asked_for, group.packages) for group in packages.groups] == [
        ("", True, [("httpx", "0.27.2")]),
        ("trees", True, [("lxml", "5.3.0")]),
        ("", False, [("anyio", "4.4.0")]),
    ]


def test_the_list_of_versions_costs_the_same_with_many_builds(admin, script):
    address = page(MODEL, "versions", script.pk)
    finish(script, 2)
    few = queries(admin, address)
    for number in range(3, 8):
        script.timeout_seconds = number
        save_checked(script, "jane")
    assert queries(admin, address) == few
