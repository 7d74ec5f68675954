"""Who calls: a personal key, HTTP Basic or a session. An API token is none of these."""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser
from knox.auth import TokenAuthentication
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from access.authorship import USER_NAME_LENGTH
from access.texts import is_storable
from management.errors import TooManyAttemptsError
from udapi_site.lockout import COOL_OFF_SECONDS

CHALLENGE = 'Token realm="User-Defined APIs", Basic realm="User-Defined APIs", charset="UTF-8"'


class KeyAuthentication(TokenAuthentication):  # type: ignore[misc]  # django-rest-knox has no types
    """`Authorization: Token <key>`."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """The key's owner and the key.

        Raises:
            AuthenticationFailed: it is unknown, malformed, expired, or its owner is not active.
        """
        if not token.isalnum() or not token.isascii():
            raise exceptions.AuthenticationFailed
        return super().authenticate_credentials(token)


class BasicAuthentication(authentication.BasicAuthentication):
    """`Authorization: Basic …`; who has failed too often is refused before his password is looked at."""

    def authenticate_credentials(
        self,
        userid: str,
        password: str,
        request: Request | None = None,
    ) -> tuple[AbstractBaseUser, None]:
        """The user.

        Raises:
            AuthenticationFailed: no active user has this name and password.
            TooManyAttemptsError: he has failed too often, from this address.
        """
        if not is_storable(userid) or len(userid) > USER_NAME_LENGTH:
            raise exceptions.AuthenticationFailed
        # The same request that the middleware sees: failed attempts are noted on it.
        plain: Any = cast(Request, request)._request
        user = authenticate(request=plain, username=userid, password=password)
        if getattr(plain, "axes_locked_out", False):
            raise TooManyAttemptsError(headers={"Retry-After": str(COOL_OFF_SECONDS)})
        if user is None:
            raise exceptions.AuthenticationFailed
        return user, None


class SessionAuthentication(authentication.SessionAuthentication):
    """A session of the console; whatever changes something needs the CSRF token as well."""
