"""`health/`, `nodes/` and `mirror/`: the state of all components, the living nodes, and the Elasticsearch mirror."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import MIRROR, NODE
from fleet import overview
from health import components
from health.broker_facts import BrokerFacts
from health.broker_states import NODE_STATES, state_of
from health.states import STATUSES
from management.lists import PAGE_NAMES, PAGE_PARAMETERS, only, page
from management.openapi import Operation, page_of
from management.views import ManagementView
from search import state


class NodeSerializer(serializers.Serializer[Any]):
    """A worker node: how many triggers it can run at once (`limit`), how many it runs, and its product version."""

    id = serializers.IntegerField()
    host = serializers.CharField()
    limit = serializers.IntegerField()
    running = serializers.IntegerField()
    since = serializers.DateTimeField()
    version = serializers.CharField()


class NodesView(ManagementView):
    """The worker nodes that are alive, by id."""

    needs = (NODE, "view")
    operations: ClassVar = {
        "get": Operation("nodes_list", "List worker nodes", page_of(NodeSerializer), parameters=PAGE_PARAMETERS)
    }

    def get(self, request: Request) -> Response:
        only(request, PAGE_NAMES)
        return Response(page(overview.nodes(), request, NodeSerializer))


class SetAsideSerializer(serializers.Serializer[Any]):
    """A document that Elasticsearch refused."""

    kind = serializers.CharField()
    id = serializers.CharField(source="object_id")
    reason = serializers.CharField()
    since = serializers.DateTimeField()


class KindSerializer(serializers.Serializer[Any]):
    """One index: what the last check found, and the progress of a rebuild."""

    kind = serializers.CharField()
    lastCheck = serializers.DateTimeField(source="checked_at", allow_null=True)
    missing = serializers.IntegerField()
    stale = serializers.IntegerField()
    orphaned = serializers.IntegerField()
    fault = serializers.CharField(allow_blank=True)
    lastRepair = serializers.DateTimeField(source="repaired_at", allow_null=True)
    isFilling = serializers.BooleanField(source="filling")
    filled = serializers.IntegerField(source="done")
    toFill = serializers.IntegerField(source="total")


class MirrorSerializer(serializers.Serializer[Any]):
    """The mirror: the backlog, what Elasticsearch refused, and the state of each index."""

    isOn = serializers.BooleanField(source="is_on")
    isReachable = serializers.BooleanField(source="is_reachable")
    lastReached = serializers.DateTimeField(source="reached_at", allow_null=True)
    backlog = serializers.IntegerField()
    backlogSeconds = serializers.IntegerField(source="backlog_seconds")
    setAsideCount = serializers.IntegerField(source="set_aside")
    setAside = SetAsideSerializer(source="aside", many=True, read_only=True)
    kinds = KindSerializer(many=True)


class MirrorView(ManagementView):
    needs = (MIRROR, "view")
    operations: ClassVar = {"get": Operation("mirror_retrieve", "Get the state of the mirror", MirrorSerializer)}

    def get(self, request: Request) -> Response:
        """Documents that were set aside are listed only if you may view their objects."""
        only(request, ())
        return Response(MirrorSerializer(vars(state.current()) | {"aside": state.set_aside(request.user)}).data)


class ComponentSerializer(serializers.Serializer[Any]):
    """A component: `since` is when this status was first seen."""

    name = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    message = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class NodeHealthSerializer(NodeSerializer):
    """A node that is alive; `idle` ones cannot run triggers, `leaving` ones end."""

    state = serializers.ChoiceField(NODE_STATES)


class PeriodicTaskSerializer(serializers.Serializer[Any]):
    """A task that is due once a minute or less often."""

    name = serializers.CharField()
    lastSent = serializers.DateTimeField()


class HealthSerializer(serializers.Serializer[Any]):
    """The installation as a whole, and its parts."""

    status = serializers.ChoiceField(STATUSES)
    checkedAt = serializers.DateTimeField(source="checked_at")
    components = ComponentSerializer(many=True)
    nodes = NodeHealthSerializer(many=True)
    periodicTasks = PeriodicTaskSerializer(many=True)


class HealthView(ManagementView):
    needs = (NODE, "view")
    operations: ClassVar = {"get": Operation("health_retrieve", "Get the health of the installation", HealthSerializer)}

    def get(self, request: Request) -> Response:
        """`status` is `down` if no API can answer, `impaired` if anything is not well. The answer is 200 anyway."""
        only(request, ())
        found = components.current()
        tasks = [{"name": name, "lastSent": moment} for name, moment in found.periodic_tasks.items()]
        nodes = list(_nodes(found.facts)) if found.facts else []
        values = {"status": found.status, "checked_at": found.checked_at, "components": found.components}
        return Response(HealthSerializer(values | {"nodes": nodes, "periodicTasks": tasks}).data)


def _nodes(facts: BrokerFacts) -> Iterator[Mapping[str, object]]:
    names = [str(name) for name in NodeSerializer().fields]
    for beat in sorted([*facts.fleet.nodes, *facts.others], key=lambda beat: beat.node.id):
        yield {name: getattr(beat.node, name) for name in names} | {"state": state_of(beat, facts)}
