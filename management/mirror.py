"""`mirror/`: the state of the Elasticsearch mirror."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import MIRROR
from management.openapi import Operation
from management.query_string import only
from management.views import ManagementView
from search import state


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
    isFilling = serializers.BooleanField(source="is_filling")
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
    setAside = serializers.SerializerMethodField()
    kinds = KindSerializer(many=True)

    @extend_schema_field(SetAsideSerializer(many=True))
    def get_setAside(self, mirror: state.State) -> Any:
        return SetAsideSerializer(state.set_aside(self.context["user"]), many=True).data


class MirrorView(ManagementView):
    needs = (MIRROR, "view")
    operations: ClassVar = {"get": Operation("mirror_retrieve", "Get the state of the mirror", MirrorSerializer)}

    def get(self, request: Request) -> Response:
        """Documents that were set aside are listed only if you may view their objects."""
        only(request, ())
        return Response(MirrorSerializer(state.current(), context={"user": request.user}).data)
