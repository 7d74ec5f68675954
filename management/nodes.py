"""`nodes/`: the worker nodes that are alive."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import NODE
from fleet import overview
from management.openapi import Operation
from management.pagination import PAGE_NAMES, PAGE_PARAMETERS, Pages, page_of
from management.query_string import only
from management.views import ManagementView


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
        pages = Pages()
        alive = pages.paginate_list(overview.nodes(), request)
        return Response(pages.envelope([NodeSerializer(node).data for node in alive]))
