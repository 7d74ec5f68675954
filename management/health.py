"""`nodes/` and `mirror/`: the worker nodes that are alive, and the state of the Elasticsearch mirror."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import MIRROR, NODE
from fleet import overview
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
