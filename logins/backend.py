"""Users and passwords are Django's; this backend limits how often and how many at once are tried."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from logins.attempts import Attempt
from logins.password_check import checked
from web.client_address import client_address


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
