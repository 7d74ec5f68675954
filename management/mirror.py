"""`mirror/`: how the Elasticsearch mirror stands."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import MIRROR
from management.fields import Values, utc
from management.openapi import Operation
from management.query_string import only
from management.views import ManagementView
from search import state


class SetAsideSerializer(serializers.Serializer[Any]):
    """A document that Elasticsearch refuses."""

    kind = serializers.CharField()
    id = serializers.CharField()
    reason = serializers.CharField()
    since = serializers.DateTimeField()


class KindSerializer(serializers.Serializer[Any]):
    """One index: what the last check found, and how far it is filled while it is."""

    kind = serializers.CharField()
    lastCheck = serializers.DateTimeField(allow_null=True)
    missing = serializers.IntegerField()
    stale = serializers.IntegerField()
    orphaned = serializers.IntegerField()
    fault = serializers.CharField(allow_blank=True)
    lastRepair = serializers.DateTimeField(allow_null=True)
    isFilling = serializers.BooleanField()
    filled = serializers.IntegerField()
    toFill = serializers.IntegerField()


class MirrorSerializer(serializers.Serializer[Any]):
    """The mirror: what waits to be written, what is refused, and what each index is like."""

    isOn = serializers.BooleanField()
    isReachable = serializers.BooleanField()
    lastReached = serializers.DateTimeField(allow_null=True)
    backlog = serializers.IntegerField()
    backlogSeconds = serializers.IntegerField()
    setAsideCount = serializers.IntegerField()
    setAside = SetAsideSerializer(many=True)
    kinds = KindSerializer(many=True)


class MirrorView(ManagementView):
    """How the mirror stands."""

    needs = (MIRROR, "view")
    operations: ClassVar = {"get": Operation(MirrorSerializer, id="mirror_retrieve")}

    def get(self, request: Request) -> Response:
        """It; the documents that are set aside only of kinds that the user may view."""
        only(request, ())
        now = state.current()
        aside = [
            {"kind": each.kind, "id": each.object_id, "reason": each.reason, "since": utc(each.since)}
            for each in state.set_aside(request.user)
        ]
        return Response(
            {
                "isOn": now.is_on,
                "isReachable": now.is_reachable,
                "lastReached": now.reached_at and utc(now.reached_at),
                "backlog": now.backlog,
                "backlogSeconds": now.backlog_seconds,
                "setAsideCount": now.set_aside,
                "setAside": aside,
                "kinds": [_kind(kind) for kind in now.kinds],
            }
        )


def _kind(kind: state.KindState) -> Values:
    return {
        "kind": kind.kind,
        "lastCheck": kind.checked_at and utc(kind.checked_at),
        "missing": kind.missing,
        "stale": kind.stale,
        "orphaned": kind.orphaned,
        "fault": kind.fault,
        "lastRepair": kind.repaired_at and utc(kind.repaired_at),
        "isFilling": kind.is_filling,
        "filled": kind.done,
        "toFill": kind.total,
    }
