"""The page of worker nodes: a list to read."""

from typing import Any

from django.http import HttpRequest

from access.console import UnfoldAdmin
from access.policy import NODE, allows


class NodeAdmin(UnfoldAdmin):
    """The machines that run or queue triggers, for whoever may view definitions or tokens."""

    list_display = ("id", "host", "first_seen")
    list_display_links = None
    search_fields = ("id", "host")
    ordering = ("id",)

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
