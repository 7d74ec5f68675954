"""The page of worker nodes: those that are alive and what they do, and every number ever given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.pages import PolicyAdmin
from access.policy import Action
from automation.models import WorkerNode
from fleet import overview


@dataclass(frozen=True)
class NodeTable:
    """What the page shows; `fleet` is None while Redis is not reachable."""

    fleet: overview.Fleet | None
    silent: Sequence[WorkerNode]
    """Numbers of machines without a heartbeat: web servers, and worker nodes that have stopped."""


class NodeAdmin(PolicyAdmin):
    """The machines that run or queue triggers. They register themselves and keep their numbers."""

    offers: ClassVar[frozenset[Action]] = frozenset({"view"})

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The page.

        Raises:
            PermissionDenied: the user may view neither definitions nor tokens.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {"title": _("Nodes"), "opts": self.opts, "table": _table(), "now": timezone.now()}
        return TemplateResponse(request, "console/nodes.html", self.admin_site.each_context(request) | context)


def _table() -> NodeTable:
    known = WorkerNode.objects.order_by("id")
    try:
        now = overview.look()
    except redis.RedisError:
        return NodeTable(None, list(known))
    return NodeTable(now, list(known.exclude(pk__in=[beat.node.id for beat in now.nodes])))
