"""The policy as the management API asks it, before any object is looked up."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.policy import Action, allows


class PolicyPermission(BasePermission):
    """Lets in users who have logged in and may do what the view does.

    `needed(request)` of the view is the model and the action for the policy; None where every logged-in user may.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the policy allows it.

        Raises:
            NotAuthenticated: the user has not logged in.
        """
        user: Any = request.user
        if user is None or not user.is_authenticated:
            raise NotAuthenticated
        needed: tuple[str, Action] | None = view.needed(request)
        return needed is None or allows(user, *needed)
