"""Users and passwords are Django's; this backend limits how often and how many at once are tried."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from logins import attempts, traces
from logins.attempts import Attempt, LogInRefusedError
from logins.hash_slots import slots
from web.client_address import client_address

Found = TypeVar("Found")


def checked(attempt: Attempt, check: Callable[[], Found]) -> Found:
    """The result of `check`, which is truthy when the password of the attempt is right.

    Raises:
        LogInRefusedError: the password was not checked, or it was wrong and reached a limit.
    """
    try:
        attempts.refuse_locked(attempt)
        with slots.hold():
            attempts.count(attempt)
            found = check()
    except LogInRefusedError as refusal:
        traces.refused(attempt, refusal.detail)
        raise
    if found:
        attempts.forgive(attempt)
    else:
        traces.refused(attempt, "The user name or password is wrong.")
        attempts.refuse_locked(attempt)
    return found


class LimitedBackend(ModelBackend):
    """Refuses a locked client before its password is checked; never reads the body of a request."""

    def authenticate(  # type: ignore[override]  # Django's leaves its types open
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> AbstractBaseUser | None:
        """The active user with this name and password, or None.

        Raises:
            LogInRefusedError: too many attempts have failed, or too many are being checked.
        """
        if username is None or password is None:
            return None
        attempt = Attempt(username, client_address(request or HttpRequest()))
        authenticate = super().authenticate
        return checked(attempt, lambda: authenticate(request, username, password))
