"""Worker nodes that were alive and are not, although they have not left on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import redis
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from access.policy import manages_people
from automation.models import WorkerNode
from fleet import departures, overview
from foundation.times import now_milliseconds
from runs.statistics import samples

TOLD_FOR: Final = timedelta(hours=24)
"""How long the overview names a node that is gone."""

_PATIENCE: Final = timedelta(seconds=30)
"""How long a node that is started again may take to be back."""


@dataclass(frozen=True)
class GoneNode:
    """A node that is missed; `seen_at` is when it was last alive."""

    id: int
    host: str
    seen_at: datetime


def gone_nodes() -> Sequence[GoneNode]:
    """By id.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    now = timezone.now()
    seen = samples.last_seen(now - TOLD_FOR)
    missing = set(seen) - {beat.node.id for beat in overview.look(with_leaving=True).nodes}
    missing = {node for node in missing if now - seen[node] > _PATIENCE}
    left = departures.of_nodes(sorted(missing))
    gone = [node for node in sorted(missing) if node not in left or left[node] < seen[node]]
    hosts = dict(WorkerNode.objects.filter(pk__in=gone).values_list("pk", "host")) if gone else {}
    return [GoneNode(node, hosts.get(node, ""), seen[node]) for node in gone]


@require_POST
def dismiss_node(request: HttpRequest, node_id: int) -> HttpResponse:
    """Tell nobody any more that this node is gone: it was stopped on purpose.

    Raises:
        PermissionDenied: the user does not manage the installation.
    """
    if not manages_people(request.user):
        raise PermissionDenied
    try:
        departures.note(node_id, now_milliseconds())
    except redis.RedisError:
        messages.error(request, _("Redis is not reachable"))
    return HttpResponseRedirect(reverse("admin:index"))
