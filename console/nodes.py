"""The page of worker nodes: which are alive and what they do, refreshed all the time, and every number ever given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.pages import UnfoldAdmin
from access.policy import NODE, allows
from automation.models import WorkerNode
from fleet import overview


@dataclass(frozen=True)
class NodeTable:
    """What the page shows; without `fleet` the broker is not reachable."""

    fleet: overview.Fleet | None
    silent: Sequence[WorkerNode]
    """Numbers that were given to machines of which none is heard now: endpoints, and worker nodes that are gone."""


class NodeAdmin(UnfoldAdmin):
    """The machines that run or queue triggers, for whoever may view definitions or tokens."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Either flag will do."""
        return allows(request.user, NODE, "view")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may view the list finds it in the menu."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nodes register themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nodes are only looked at."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A node's number stays its own."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The table.

        Raises:
            PermissionDenied: the user may view neither definitions nor tokens.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {"title": _("Worker nodes"), "opts": self.opts, "table": _table(), "now": timezone.now()}
        return TemplateResponse(request, "console/nodes.html", self.admin_site.each_context(request) | context)


def _table() -> NodeTable:
    known = WorkerNode.objects.order_by("id")
    try:
        now = overview.look()
    except redis.RedisError:
        return NodeTable(None, list(known))
    return NodeTable(now, list(known.exclude(pk__in=[beat.node.id for beat in now.nodes])))
