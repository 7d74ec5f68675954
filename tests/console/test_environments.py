"""The page of environments, nodes that lack packages, and builds that need attention."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from automation import build_ends
from automation.builds import BuildState
from automation.locks import LockedPackage
from automation.models import WorkerNode
from fleet import overview
from fleet.heartbeat import NodeState
from objects.changes import save_checked
from testbed.publisher import ECHO
from tests.console.conftest import page
from tests.console.test_attention import titles
from tests.console.test_build_pages import BLOCK, LOCK, build_of, finish, install, lock_of, resolve
from tests.console.test_query_counts import queries

ENVIRONMENTS = "/console/environments/"
NODES = page("automation_workernode", "changelist")


@pytest.fixture
def script(make):
    """A script whose first version has packages, which node 1 has."""
    script = make.script(BLOCK + ECHO, name="fetching")
    finish(script, 1)
    return script


@pytest.fixture
def fleet(monkeypatch):
    """Makes the fleet consist of node 1, which takes triggers, and node 2, which does not."""

    def beat(number, *, is_consuming=True):
        node = NodeState(number, f"host {number}", 4, "2026-01-31T00:00:00Z", is_consuming=is_consuming, confines=True)
        return overview.LivingNode(node, datetime.now(UTC), str(number))

    def look(*, with_leaving=False):
        leaving = [beat(2, is_consuming=False)] if with_leaving else []
        return overview.Fleet([beat(1), *leaving], 0)

    monkeypatch.setattr(overview, "look", look)


def test_the_page_says_what_each_node_has_and_for_whom(admin, script, fleet):
    lock = lock_of(build_of(script, 1))
    WorkerNode.objects.update_or_create(id=2, defaults={"host": "host 2"})
    lock.environments.filter(node_id=1).update(
        size_bytes=3 * 1024**3, python="cp311-linux-x86_64", built_at=timezone.now(), log="fetched"
    )
    install(lock, BuildState.FAILED, node=2, message="The disk is <full>.", log="no space left\n")
    nodes = admin.get(ENVIRONMENTS).context["nodes"]
    assert [(node.node_id, node.is_alive, node.bytes) for node in nodes] == [(1, True, 3 * 1024**3), (2, True, 0)]
    content = admin.get(ENVIRONMENTS).content.decode()
    for text in (
        "httpx 0.27.2",
        "3.0\xa0GB of 9.8\xa0GB",
        "cp311-linux-x86_64",
        "The disk is &lt;full&gt;.",
        "no space left",
    ):
        assert text in content
    assert f'href="{page("automation_automationscript", "versions", script.pk)}"' in content
    # That of a ready one is on the page of its version.
    assert "fetched" not in content


def test_packages_that_scripts_ask_for_come_first_and_each_name_once(admin, script):
    script.source = BLOCK.replace('"httpx>=0.27"', '"numpy"') + ECHO
    save_checked(script, "jane")
    versions = [LockedPackage("numpy", "2.4.6"), LockedPackage("numpy", "2.5.5")]
    finish(script, 2, [*LOCK, *versions])
    (node,) = admin.get(ENVIRONMENTS).context["nodes"]
    assert [row.packages[0] for row in node.rows] == [("numpy", "2.4.6 or 2.5.5"), ("httpx", "0.27.2")]
    assert [len(row.packages) + len(row.more_packages) for row in node.rows] == [4, 3]


def test_who_may_not_view_scripts_learns_nothing_of_them(visit, script):
    install(lock_of(build_of(script, 1)), BuildState.FAILED, node=2, log="no space left\n")
    content = visit("tokens.ui_available").get(ENVIRONMENTS).content.decode()
    assert "httpx 0.27.2" in content
    for text in ("fetching", "no space left", "Used by"):
        assert text not in content
    assert visit("automation.ui_available").get(ENVIRONMENTS).status_code == 403


def test_the_page_costs_the_same_with_many_environments(admin, make, script, fleet):
    few = queries(admin, ENVIRONMENTS)
    for number in range(3):
        finish(make.script(BLOCK + ECHO, name=f"more {number}"), 1, LOCK[:number])
        install(lock_of(build_of(script, 1)), node=number + 5)
    assert queries(admin, ENVIRONMENTS) == few


def test_a_node_without_packages_says_so_and_needs_attention(admin, script, fleet):
    assert "it lacks packages" in admin.get(NODES).content.decode()
    assert "Nodes that lack packages" in titles(admin)
    install(lock_of(build_of(script, 1)), node=2)
    assert "takes no triggers now" in admin.get(NODES).content.decode()
    assert "Nodes that lack packages" not in titles(admin)
    # It could not build what another node has.
    script.source = BLOCK.replace("0.27", "0.26") + ECHO
    save_checked(script, "jane")
    lock = resolve(build_of(script, 2), [])
    install(lock, BuildState.BUILDING)
    row = install(lock, BuildState.FAILED, node=2)
    assert "it lacks packages" not in admin.get(NODES).content.decode()
    lock.environments.filter(node_id=1).update(state=BuildState.READY)
    assert "it lacks packages" in admin.get(NODES).content.decode()
    row.delete()
    assert "it lacks packages" not in admin.get(NODES).content.decode()


def test_a_version_that_could_not_be_built_needs_attention(admin, visit, script, fleet):
    install(lock_of(build_of(script, 1)), node=2)
    script.source = BLOCK.replace("0.27", "99") + ECHO
    save_checked(script, "jane")
    assert titles(admin) == []
    build_ends.failed(build_of(script, 2).pk, "Nothing fits.")
    assert titles(admin) == ["Failed builds"]
    content = admin.get("/console/").content.decode()
    assert f'href="{page("automation_automationscript", "version", script.pk, 2)}"' in content
    assert "version 2 could not be built</span>" in content
    assert titles(visit("tokens.ui_available")) == []
    script.source = ECHO
    save_checked(script, "jane")
    assert titles(admin) == []
