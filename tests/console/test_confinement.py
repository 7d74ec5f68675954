"""The console shows which worker nodes do not confine their scripts."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from json import dumps

import pytest
from msgspec import json

from fleet import confinement, overview
from fleet.heartbeat import NodeState
from tests.landlock import ABI

NODE = NodeState(1, "here", 4, "2026-01-01T00:00:00Z", confines=True)


@pytest.fixture
def nodes(monkeypatch):
    """Makes these the nodes that are alive."""

    def make(*nodes: NodeState) -> None:
        beats = [overview.LivingNode(node, datetime.now(UTC), "") for node in nodes]
        monkeypatch.setattr(overview, "look", lambda **_options: overview.Fleet(beats, 0))

    return make


def test_the_list_names_nodes_that_do_not_confine_scripts(admin, nodes):
    nodes(NODE)
    assert b"not confined" not in admin.get("/console/automation/workernode/").content
    nodes(NODE, replace(NODE, id=2, confines=False))
    assert admin.get("/console/automation/workernode/").content.count(b"Scripts not confined: no Landlock") == 1


def test_a_heartbeat_says_whether_its_node_confines_scripts(stack):
    assert [beat.node.confines for beat in overview.look().nodes] == [ABI > 0] == [confinement.is_enforced()]


def test_heartbeats_of_neighbouring_releases_are_understood():
    state = asdict(NODE)
    assert json.decode(dumps(state | {"later": 1}), type=NodeState) == NODE
    del state["confines"]
    assert json.decode(dumps(state), type=NodeState).confines is False
