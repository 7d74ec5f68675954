"""Authentication by personal key, HTTP Basic or session; API tokens are not accepted."""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser
from django.dispatch import receiver
from django.http import HttpRequest
from knox.auth import TokenAuthentication
from knox.signals import token_expired
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from foundation.texts import is_storable
from keys.models import PersonalKey
from logins import traces
from logins.attempts import Attempt, LogInRefusedError
from management.errors import PermissionDeniedError, TooManyAttemptsError, UnsupportedMediaTypeError
from objects.authorship import USER_NAME_LENGTH
from web.client_address import client_address
from web.origins import is_from_another_site

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class KeyAuthentication(TokenAuthentication):  # type: ignore[misc]  # django-rest-knox has no types
    """`Authorization: Token <key>`."""

    def authenticate(self, request: Request) -> Any:
        """The key's owner and the key; None for a request without a key.

        Raises:
            AuthenticationFailed: the key is unknown, malformed or expired, or its owner is not active.
        """
        try:
            return super().authenticate(request)
        except exceptions.AuthenticationFailed as error:
            traces.key_refused(client_address(request), str(error.detail))
            raise

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isalnum() or not token.isascii():
            raise exceptions.AuthenticationFailed
        return super().authenticate_credentials(token)

    def validate_user(self, auth_token: PersonalKey) -> tuple[AbstractBaseUser, PersonalKey]:
        # The message is for the log; a client never learns who owns a refused key.
        owner = auth_token.user
        if not owner.is_active:
            raise exceptions.AuthenticationFailed(f"Its owner '{owner.get_username()}' is not active.")
        return owner, auth_token


@receiver(token_expired, sender=KeyAuthentication)
def log_expiry(username: str, **kwargs: object) -> None:
    """Knox deletes a user's expired keys when one of the keys is used."""
    traces.key_expired(username)


class BasicAuthentication(authentication.BasicAuthentication):
    """`Authorization: Basic …`, within the limits of log-ins; changes requested by other sites' pages are refused."""

    def authenticate_credentials(
        self, userid: str, password: str, request: Request | None = None
    ) -> tuple[AbstractBaseUser, None]:
        """Check the password.

        Raises:
            AuthenticationFailed: no active user has this name and password.
            PermissionDeniedError: a page of another site requests a change.
            TooManyAttemptsError: too many log-ins have failed or are being checked.
        """
        asked = cast(Request, request)
        attempt = Attempt(userid, client_address(asked))
        if asked.method not in SAFE_METHODS and is_from_another_site(asked):
            traces.refused(attempt, "A page of another site requested a change.")
            raise PermissionDeniedError("Pages of another site cannot make changes with HTTP Basic.")
        if not is_storable(userid) or len(userid) > USER_NAME_LENGTH:
            traces.refused(attempt, "No user can have this name.")
            raise exceptions.AuthenticationFailed
        try:
            user = authenticate(request=asked, username=userid, password=password)
        except LogInRefusedError as refusal:
            headers = {"Retry-After": str(refusal.retry_after)}
            raise TooManyAttemptsError(refusal.detail, headers=headers) from refusal
        if user is None:
            raise exceptions.AuthenticationFailed
        traces.logged_in(user, attempt.address, "HTTP Basic")
        return user, None


class SessionAuthentication(authentication.SessionAuthentication):
    """A session of the console; changes also need the CSRF token."""

    def enforce_csrf(self, request: Request) -> None:
        """Check the CSRF token in the header.

        Raises:
            PermissionDenied: the token is missing or wrong.
            UnsupportedMediaTypeError: the body is a form, which Django would parse to look for the token there.
        """
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        if request.method not in SAFE_METHODS and media_type in _FORMS:
            raise UnsupportedMediaTypeError
        super().enforce_csrf(request)


def is_browser(request: HttpRequest) -> bool:
    """Whether a browser sent the request. Over plain HTTP only its User-Agent may show it."""
    if any(name in request.headers for name in ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Origin")):
        return True
    agent = request.headers.get("User-Agent", "")
    # PowerShell also calls itself Mozilla, but needs the challenge to send credentials.
    return agent.startswith("Mozilla/") and "PowerShell" not in agent
