"""The overview: how the APIs are called, what needs attention, what runs now, what has changed, and the first steps."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path

from console.attention.concerns import concerns
from console.charts.overview import statistics
from console.first_steps import dismiss_steps, first_steps
from console.gone_nodes import dismiss_node
from console.health_summary import health_summary
from console.recent_changes import recent_changes
from console.running_now import running_now, running_now_page
from events.visibility import readable_types


def urls(site: admin.AdminSite) -> Sequence[URLPattern]:
    """The addresses of its parts, and of what can be dismissed there."""
    return [
        path("running-now/", site.admin_view(running_now_page), name="running_now"),
        path("first-steps/dismiss/", site.admin_view(dismiss_steps), name="dismiss_steps"),
        path("nodes/<int:node_id>/dismiss/", site.admin_view(dismiss_node), name="dismiss_node"),
    ]


def start_page(request: HttpRequest) -> dict[str, Any]:
    """The overview of a user, in a number of queries that does not grow with the objects.

    Its script asks for it every ten seconds; the statistics and what runs now have addresses of their own.
    """
    user = request.user
    is_renewal = request.headers.get("X-Requested-With") == "fetch"
    health = health_summary(user)
    return {
        "statistics": None if is_renewal else statistics(request),
        "health": health,
        "concerns": concerns(user, health),
        "now": None if is_renewal else running_now(user),
        "changes": recent_changes(user),
        "may_view_events": bool(readable_types(user)),
        "first": first_steps(request),
    }
