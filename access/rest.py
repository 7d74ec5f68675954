"""The policy as the management API asks it: refused is whatever nobody granted, before anything is looked up."""

from typing import Any, Protocol, cast

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from access.policy import Action, allows


class Guarded(Protocol):
    """A view that says what it is about."""

    def needed(self, request: Request) -> tuple[str, Action] | None:
        """The model and the action that the policy is asked about; None where any user will do."""


class PolicyPermission(BasePermission):
    """Lets in who has logged in and may do what the view says."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the policy allows it; asked before any object is looked up.

        Raises:
            NotAuthenticated: nobody has logged in.
        """
        user: Any = request.user
        if user is None or not user.is_authenticated:
            raise NotAuthenticated
        needed = cast(Guarded, view).needed(request)
        return needed is None or allows(user, *needed)
