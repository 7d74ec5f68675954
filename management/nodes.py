"""`nodes/`: the worker nodes that are alive."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import NODE
from fleet import overview
from management.openapi import Operation
from management.pagination import PAGE_PARAMETERS, Pages, page_of
from management.query_string import only
from management.views import ManagementView


class NodeSerializer(serializers.Serializer[Any]):
    """A worker node: how many triggers it runs at once at the most, how many now, and its version of the product."""

    id = serializers.IntegerField()
    host = serializers.CharField()
    limit = serializers.IntegerField()
    running = serializers.IntegerField()
    since = serializers.DateTimeField()
    version = serializers.CharField()


class NodesView(ManagementView):
    """The worker nodes whose heartbeat goes on, by id."""

    needs = (NODE, "view")
    operations: ClassVar = {"get": Operation(page_of(NodeSerializer), parameters=PAGE_PARAMETERS, id="nodes_list")}

    def get(self, request: Request) -> Response:
        """A page of them."""
        only(request, ("limit", "offset"))
        pages = Pages()
        alive = pages.paginate_list(overview.nodes(), request)
        return Response(pages.envelope([NodeSerializer(node).data for node in alive]))
