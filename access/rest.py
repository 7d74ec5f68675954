"""The policy as the management API asks it, before any object is looked up."""

from typing import Any, Protocol, cast

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from access.policy import Action, allows


class Guarded(Protocol):
    """A view that names what it does."""

    def needed(self, request: Request) -> tuple[str, Action] | None:
        """The model and the action for the policy; None where every logged-in user may."""


class PolicyPermission(BasePermission):
    """Lets in users who have logged in and may do what the view does."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the policy allows it.

        Raises:
            NotAuthenticated: the user has not logged in.
        """
        user: Any = request.user
        if user is None or not user.is_authenticated:
            raise NotAuthenticated
        needed = cast(Guarded, view).needed(request)
        return needed is None or allows(user, *needed)
