"""The policy as the pages of the console ask it: nothing that Django's admin decides by itself counts."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django.http import HttpRequest

from access.policy import Action, allows

if TYPE_CHECKING:
    # django-unfold has no types; what we use of its class is Django's.
    from django.contrib.admin import ModelAdmin

    UnfoldAdmin: TypeAlias = ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as UnfoldAdmin


class PolicyAdmin(UnfoldAdmin):
    """The pages of a model that the policy knows; whoever may not view it sees none of them."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may see the list and the objects."""
        return self._allows(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may see the pages and make an object."""
        return self._allows(request, "view") and self._allows(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may see the pages and change an object."""
        return self._allows(request, "view") and self._allows(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may see the pages and delete an object."""
        return self._allows(request, "view") and self._allows(request, "delete")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the user finds the model in the menu."""
        return self.has_view_permission(request)

    def _allows(self, request: HttpRequest, action: Action) -> bool:
        return allows(request.user, self.opts.label_lower, action)
