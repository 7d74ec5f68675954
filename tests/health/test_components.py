"""The health of each component: in the management API, on the overview, and since when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from console.health_summary import health_summary
from fleet import redis_keys
from fleet.heartbeat import NodeState
from fleet.overview import Fleet, LivingNode
from foundation import __version__
from health import broker_facts, components, first_seen
from health.broker_facts import BrokerFacts
from health.broker_states import state_of, states
from health.states import ComponentState, HealthStatus, overall
from keys.changes import create_key
from runs.models import RunsNotKept
from search.models import Mirror
from testbed.stack import wait_until
from tests.management.conftest import ROOT, client_of, user_with

NAMES = ["database", "broker", "nodes", "versions", "background", "clock", "mirror", "runs", "builds", "disk"]
NODE = NodeState(1, "here", 4, "2026-01-01T00:00:00Z", version=__version__, confines=True, builds=True)


def beat(node: NodeState) -> LivingNode:
    return LivingNode(node, datetime.now(UTC), f"instance {node.id}")


OLD = beat(replace(NODE, id=2, version="0.0.9", builds=False))
WELL = BrokerFacts(
    fleet=Fleet([beat(NODE)], 0),
    others=[],
    version="7.2",
    used_bytes=1_000_000,
    limit_bytes=0,
    has_schedule=True,
    tasks_waiting=0,
    record_age_seconds=0.5,
    ahead_seconds=0.0,
)


def told(facts: BrokerFacts | None) -> Mapping[str, ComponentState]:
    return {each.name: each for each in states(facts)}


@pytest.mark.parametrize(
    ("name", "changes", "status", "words"),
    [
        ("broker", {"used_bytes": 95_000_000, "limit_bytes": 100_000_000}, "impaired", "95 of 100 MB"),
        ("nodes", {"fleet": Fleet([], 3)}, "down", "none ready"),
        (
            "nodes",
            {"fleet": Fleet([beat(replace(NODE, confines=False))], 3)},
            "impaired",
            "1 without confinement of scripts",
        ),
        ("nodes", {"others": [beat(replace(NODE, id=2))]}, "impaired", "1 idle"),
        ("nodes", {"others": [beat(replace(NODE, id=2, builds=False))]}, "up", "1 ready"),
        ("versions", {"others": [OLD]}, "impaired", f"0.0.9 and {__version__}"),
        ("background", {"has_schedule": False}, "down", "None sends the periodic tasks"),
        ("background", {"record_age_seconds": 90.0}, "impaired", "for 90 s"),
        ("background", {"tasks_waiting": 1_000}, "impaired", "tasks waiting: 1000"),
        ("clock", {"ahead_seconds": 5.0}, "impaired", "5.0 s ahead of this machine's"),
        ("clock", {"ahead_seconds": -5.0}, "impaired", "5.0 s behind this machine's"),
    ],
)
def test_what_is_not_well_is_said(name, changes, status, words):
    assert {each.status for each in told(WELL).values()} == {HealthStatus.UP}
    found = told(replace(WELL, **changes))
    assert found[name].status == status
    assert words in found[name].message
    assert {each.status for each in found.values() if each.name != name} == {HealthStatus.UP}


def test_without_redis_only_the_broker_is_to_blame():
    found = told(None)
    assert [name for name, each in found.items() if each.is_troubled] == ["broker"]
    assert overall(found.values()) is HealthStatus.DOWN


def test_the_whole_is_down_only_without_an_essential_component():
    disk = ComponentState(name="disk", status=HealthStatus.UP, message="")
    nodes = replace(disk, name="nodes")
    for status, of_disk, of_nodes in (
        ("up", "up", "up"),
        ("off", "up", "up"),
        ("unknown", "up", "up"),
        ("impaired", "impaired", "impaired"),
        ("down", "impaired", "down"),
    ):
        assert overall([replace(disk, status=HealthStatus(status)), nodes]) == of_disk
        assert overall([disk, replace(nodes, status=HealthStatus(status))]) == of_nodes


def test_a_node_is_ready_idle_or_leaving():
    idle, leaving = beat(replace(NODE, id=2)), beat(replace(NODE, id=3, builds=False))
    facts = replace(WELL, others=[idle, leaving])
    assert [state_of(each, facts) for each in (*facts.fleet.nodes, idle, leaving)] == ["ready", "idle", "leaving"]


def _seen(state: ComponentState) -> datetime:
    """Since when the component has its status."""
    (since,) = (each.since for each in first_seen.dated([state]))
    assert since is not None
    return since


def test_since_is_when_the_status_was_first_seen(stack):
    state = ComponentState(name="of a test", status=HealthStatus.UP, message="")
    first, again = _seen(state), _seen(state)
    assert again == first
    changed = _seen(replace(state, status=HealthStatus.DOWN))
    assert first <= changed <= _seen(state)
    known = datetime(2026, 1, 1, tzinfo=UTC)
    assert _seen(replace(state, since=known)) == known


def test_redis_tells_what_waits(stack):
    with stack.redis_client() as redis:
        added = redis.xadd(redis_keys.records(), {"r": b"x"})
        try:
            wait_until(lambda: broker_facts.look().record_age_seconds > 0.1, what="a run that waits to be stored")
            facts = broker_facts.look()
        finally:
            redis.xdel(redis_keys.records(), added)
    assert abs(facts.ahead_seconds) < 60
    assert [each.node.version for each in facts.fleet.nodes] == [__version__]
    assert facts.version
    assert facts.used_bytes > 0


@pytest.fixture
def key(open_db):
    user = User.objects.create_superuser("officer")
    yield create_key(user, "ci", 1)[1]
    user.delete()


def _health(stack, key: str) -> Any:
    return stack.client.get(f"{ROOT}health/", headers={"Authorization": f"Token {key}"}).json()


def test_the_management_api_tells_everything(stack, key):
    found = _health(stack, key)
    assert found.keys() == {"status", "checkedAt", "components", "nodes", "periodicTasks"}
    assert [each["name"] for each in found["components"]] == [*NAMES, "publicUrl"]
    (node,) = found["nodes"]
    assert node.keys() == {"id", "host", "limit", "running", "since", "version", "state"}
    assert (node["state"], node["version"]) == ("ready", __version__)
    by_name = {each["name"]: each for each in found["components"]}
    assert by_name["database"]["status"] == by_name["broker"]["status"] == by_name["nodes"]["status"] == "up"
    # The stack of the tests has no background program.
    assert (by_name["background"]["status"], found["status"]) == ("down", "impaired")
    assert by_name["mirror"]["status"] == "off"
    again = {each["name"]: each["since"] for each in _health(stack, key)["components"]}
    assert again["database"] == by_name["database"]["since"]


def test_what_the_database_knows_is_told(db, settings, monkeypatch):
    RunsNotKept.objects.create(minute=timezone.now(), records=3, extras=1)
    Mirror.change(is_on=True, reached_at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(components, "NO_FREE_BYTES", 10**18)
    found = {each.name: each for each in components.current().components}
    assert found["runs"].message == "Not kept in the last 24 hours: 3 runs, and logs and bodies of 1."
    assert (found["mirror"].status, found["disk"].status) == (HealthStatus.DOWN, HealthStatus.DOWN)
    Mirror.change(reached_at=timezone.now())
    monkeypatch.setattr(components, "NO_FREE_BYTES", 0)
    monkeypatch.setattr(components, "LEAST_FREE_BYTES", 0)
    found = {each.name: each for each in components.current().components}
    assert (found["mirror"].status, found["disk"].status) == (HealthStatus.UP, HealthStatus.UP)


def test_health_is_for_users_who_may_view_nodes(db, login):
    for flag in ("definitions.ui_available", "tokens.ui_available"):
        assert login(flag).get(f"{ROOT}health/").status_code == 200
        assert login(flag).get(f"{ROOT}health/?x=1").status_code == 400
    assert login("automation.ui_available").get(f"{ROOT}health/").status_code == 403
    assert client_of(User.objects.create_superuser("root")).post(f"{ROOT}health/").status_code == 405


def test_the_overview_names_only_what_is_not_well(db, client, monkeypatch):
    client.force_login(User.objects.create_superuser("root"))
    well = [ComponentState(name=name, status=HealthStatus.UP, message=f"{name} is fine") for name in NAMES]

    def show(*others: ComponentState) -> Any:
        states = [*well, *others]
        found = components.InstallationHealth(components=states, facts=None, checked_at=timezone.now())
        monkeypatch.setattr(components, "current", lambda: found)
        return client.get("/console/")

    page = show()
    assert (page.context["health"].word, page.context["health"].troubles) == ("well", [])
    assert [concern.key for concern in page.context["concerns"]] == []
    ago = timezone.now() - timedelta(minutes=2)
    lost = ComponentState(name="publicUrl", status=HealthStatus.IMPAIRED, message="<b>no", since=ago)
    page = show(lost)
    assert (page.context["health"].word, page.context["health"].tone) == ("impaired", "warn")
    assert "&lt;b&gt;no First noticed" in page.content.decode()
    assert "2 min ago</time>" in page.content.decode()


def test_users_who_may_not_view_nodes_see_no_health(db):
    assert health_summary(user_with("automation.ui_available")) is None
