"""`definitions/{id}/objectives/`: what an API is to achieve, and how much of what it may miss is used up."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import DEFINITION, RUN, allows
from definitions.models import ApiDefinition
from management.errors import NotFoundError, PermissionDeniedError
from management.lists import only
from management.openapi import ID, Operation
from management.views import ManagementView
from objects.serializers import as_id
from runs.statistics import objectives


class SuccessObjectiveSerializer(serializers.Serializer[Any]):
    """`used` is the fraction of the allowed failures that there were. At the pace of the last day, it lasts `daysLeft`.

    Values are null where there were no calls; `daysLeft` also where none of the last day failed.
    """

    target = serializers.FloatField()
    successRate = serializers.FloatField(allow_null=True)
    failures = serializers.IntegerField()
    allowedFailures = serializers.FloatField()
    used = serializers.FloatField(allow_null=True)
    daysLeft = serializers.FloatField(allow_null=True)


class P95ObjectiveSerializer(serializers.Serializer[Any]):
    """`used` is the fraction of the slow answers that there were: a twentieth of all may be slower than `target`."""

    target = serializers.IntegerField()
    p95Milliseconds = serializers.FloatField(allow_null=True)
    used = serializers.FloatField(allow_null=True)


class ObjectiveStateSerializer(serializers.Serializer[Any]):
    """The last 30 days; null for an objective that the API does not have. `calls` succeeded or failed."""

    calls = serializers.IntegerField()
    success = SuccessObjectiveSerializer(allow_null=True)
    p95 = P95ObjectiveSerializer(allow_null=True)
    isUsedUp = serializers.BooleanField()


class ObjectivesView(ManagementView):
    needs = (DEFINITION, "view")
    operations: ClassVar = {
        "get": Operation(
            "definitions_objectives",
            "Get how much of what an API may miss is used up",
            ObjectiveStateSerializer,
            parameters=(ID,),
        )
    }

    def get(self, request: Request, key: str) -> Response:
        """Over the last 30 days, from the calls of clients. It needs the flag to view runs as well."""
        only(request, ())
        if not allows(request.user, RUN, "view"):
            raise PermissionDeniedError
        wanted = as_id(key)
        definition = ApiDefinition.objects.filter(pk=wanted).first() if wanted else None
        if definition is None:
            raise NotFoundError
        return Response(_as_dict(objectives.used(definition, timezone.now())))


def _as_dict(state: objectives.ObjectiveState) -> dict[str, Any]:
    success = p95 = None
    if state.target_rate is not None:
        success = {
            "target": state.target_rate,
            "successRate": _rounded(state.success_rate),
            "failures": state.failures,
            "allowedFailures": _rounded(state.allowed_failures),
            "used": _rounded(state.failures_used),
            "daysLeft": _rounded(state.days_left),
        }
    if state.target_p95 is not None:
        p95 = {"target": state.target_p95, "p95Milliseconds": _rounded(state.p95), "used": _rounded(state.slow_used)}
    return {"calls": state.calls, "success": success, "p95": p95, "isUsedUp": state.is_used_up}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
