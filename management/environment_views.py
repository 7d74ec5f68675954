"""`environments/`: which packages each worker node has installed, and for which scripts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import NODE, SCRIPT, allows
from automation.builds import Build, BuildState, NodeEnvironment, PackageLock
from automation.serializers import packages_of
from management.lists import PAGE_NAMES, PAGE_PARAMETERS, only, page
from management.openapi import BUILD_STATE, Operation, page_of
from management.script_answers import known_state
from management.views import ManagementView
from objects.serializers import invalid_field

_LARGEST_NODE: Final = 2**31 - 1
OF_NODE: Final = OpenApiParameter(
    "node", {"type": "integer", "minimum": 1, "maximum": _LARGEST_NODE}, description="The number of a node."
)


class LockedPackageSerializer(serializers.Serializer[Any]):
    """A package in the version that is installed."""

    name = serializers.CharField()
    version = serializers.CharField()


class LockPackages(serializers.ListField):
    """The packages of a lock, each by name and version."""

    def __init__(self) -> None:
        super().__init__(child=LockedPackageSerializer(), source="lock")

    def to_representation(self, data: PackageLock) -> list[dict[str, Any]]:  # type: ignore[override]
        return packages_of(data)


class EnvironmentSerializer(serializers.Serializer[Any]):
    """Packages that a node has installed together, or installs."""

    node = serializers.IntegerField(source="node_id")
    digest = serializers.CharField(source="lock.digest", help_text="What the directory on the node is named after.")
    packages = LockPackages()
    python = serializers.CharField(allow_blank=True, help_text="Python and platform, such as `cp311-linux-x86_64`.")
    state = serializers.ChoiceField(BuildState.values)
    message = serializers.CharField(allow_blank=True, help_text="Why it is Failed.")
    sizeBytes = serializers.IntegerField(source="size_bytes")
    builtAt = serializers.DateTimeField(source="built_at", allow_null=True)
    usedAt = serializers.DateTimeField(source="used_at", allow_null=True)
    usedBy = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        read_only=True,
        help_text="The names of the scripts with a version that needs it, for users who may view scripts.",
    )


class EnvironmentsView(ManagementView):
    """The environments of all nodes, by node."""

    needs = (NODE, "view")
    operations: ClassVar = {
        "get": Operation(
            "environments_list",
            "List the packages on worker nodes",
            page_of(EnvironmentSerializer),
            parameters=(OF_NODE, BUILD_STATE, *PAGE_PARAMETERS),
        )
    }

    def get(self, request: Request) -> Response:
        query = only(request, (OF_NODE.name, BUILD_STATE.name, *PAGE_NAMES))
        rows = NodeEnvironment.objects.select_related("lock").defer("log", "lock__text").order_by("node_id", "pk")
        answer = page(rows.filter(**_narrowed(query)), request, EnvironmentSerializer)
        if allows(request.user, SCRIPT, "view"):
            _add_users(answer["results"])
        return Response(answer)


def _narrowed(query: Mapping[str, str]) -> dict[str, object]:
    """The filters in the query string, by column.

    Raises:
        ValidationError: `InvalidField`.
    """
    found: dict[str, object] = {}
    if (node := query.get(OF_NODE.name)) is not None:
        if not (node.isascii() and node.isdigit() and len(node) < 11 and 1 <= int(node) <= _LARGEST_NODE):
            raise invalid_field(OF_NODE.name, "The parameter must be the number of a node.")
        found["node_id"] = int(node)
    if (state := query.get(BUILD_STATE.name)) is not None:
        found["state"] = known_state(state)
    return found


def _add_users(environments: Sequence[dict[str, Any]]) -> None:
    digests = {each["digest"] for each in environments}
    named = Build.objects.filter(lock__digest__in=digests).exclude(version__script__name=None)
    users = set(named.values_list("lock__digest", "version__script__name"))
    for each in environments:
        each["usedBy"] = sorted(name for digest, name in users if digest == each["digest"])
