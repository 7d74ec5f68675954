"""The page of worker nodes: those that are alive, what they do and did, and every number ever given."""

from contextlib import suppress
from typing import Any, ClassVar

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from access.pages import PolicyAdmin
from access.policy import Action
from automation.models import WorkerNode
from console.fleet_charts import fleet_charts
from console.idle_nodes import IdleNode, idle_nodes
from console.running_now import running_now
from fleet import overview


class NodeAdmin(PolicyAdmin):
    """The machines that run or queue triggers. They register themselves and keep their numbers."""

    offers: ClassVar[frozenset[Action]] = frozenset({"view"})

    def get_urls(self) -> list[URLPattern]:
        charts = path("charts/", self.admin_site.admin_view(self.charts_view), name="automation_workernode_charts")
        return [charts, *super().get_urls()]

    def charts_view(self, request: HttpRequest) -> HttpResponse:
        """The charts alone.

        Raises:
            PermissionDenied: the user may view neither definitions nor tokens.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(request, "console/fleet_charts.html", {"past": fleet_charts(request)})

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The page.

        Raises:
            PermissionDenied: the user may view neither definitions nor tokens.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        # The nodes without a heartbeat are web servers, and worker nodes that have stopped.
        idle: list[IdleNode] = []
        fleet, silent = None, WorkerNode.objects.order_by("id")
        with suppress(redis.RedisError):
            fleet, idle = overview.look(), idle_nodes()
            beats = [*fleet.nodes, *(each.beat for each in idle)]
            silent = silent.exclude(pk__in=[beat.node.id for beat in beats])
        context = {
            "title": _("Nodes"),
            "opts": self.opts,
            "fleet": fleet,
            "idle": idle,
            "silent": silent,
            "now": running_now(request.user, "automation_workernode_changelist"),
            # What renews the rest of the page every two seconds does not show it.
            "past": None if request.headers.get("X-Requested-With") == "fetch" else fleet_charts(request),
        }
        return TemplateResponse(request, "console/nodes.html", self.admin_site.each_context(request) | context)
