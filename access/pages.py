"""The policy as the pages of the console ask it: nothing that Django's admin decides by itself counts."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.http import HttpRequest

from access.policy import Action, AnyUser, allows

if TYPE_CHECKING:
    # django-unfold has no types; what we use of its class is Django's.
    from django.contrib.admin import ModelAdmin

    UnfoldAdmin: TypeAlias = ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as UnfoldAdmin


class PolicyAdmin(UnfoldAdmin):
    """The pages of a model. Users who may not view its objects see none of them."""

    offers: ClassVar[frozenset[Action]] = frozenset({"view", "add", "change", "delete"})
    """What the pages can do at all, whoever asks."""

    def permits(self, user: AnyUser, action: Action) -> bool:
        """Whether `user` may do `action`: a question to the policy."""
        return allows(user, self.opts.label_lower, "view") and allows(user, self.opts.label_lower, action)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete")

    # For the menu that Django makes by itself, in addresses that the console does not link to.
    has_module_permission = has_view_permission

    def _may(self, request: HttpRequest, action: Action) -> bool:
        return action in self.offers and self.permits(request.user, action)
