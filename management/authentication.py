"""Who calls: a personal key, HTTP Basic or a session. An API token is none of these."""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser
from django.dispatch import receiver
from knox.auth import TokenAuthentication
from knox.signals import token_expired
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from foundation.texts import is_storable
from keys.models import PersonalKey
from logins import traces
from logins.attempts import Attempt
from logins.errors import LogInRefusedError
from management.browsers import is_from_another_site
from management.errors import PermissionDeniedError, TooManyAttemptsError, UnsupportedMediaTypeError
from objects.authorship import USER_NAME_LENGTH
from web.client_address import client_address

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class KeyAuthentication(TokenAuthentication):  # type: ignore[misc]  # django-rest-knox has no types
    """`Authorization: Token <key>`."""

    def authenticate(self, request: Request) -> Any:
        """The key's owner and the key; None when the request has no key.

        Raises:
            AuthenticationFailed: it is unknown, malformed, expired, or its owner is not active.
        """
        try:
            return super().authenticate(request)
        except exceptions.AuthenticationFailed as error:
            traces.key_refused(client_address(request), str(error.detail))
            raise

    def authenticate_credentials(self, token: bytes) -> Any:
        """Likewise, for what stands behind `Token`."""
        if not token.isalnum() or not token.isascii():
            raise exceptions.AuthenticationFailed
        return super().authenticate_credentials(token)

    def validate_user(self, auth_token: PersonalKey) -> tuple[AbstractBaseUser, PersonalKey]:
        """Likewise, for a key that is there. Who owns a refused one is for the log: no client is told."""
        owner = auth_token.user
        if not owner.is_active:
            raise exceptions.AuthenticationFailed(f"Its owner '{owner.get_username()}' is not active.")
        return owner, auth_token


@receiver(token_expired, sender=KeyAuthentication)
def log_expiry(username: str, **kwargs: object) -> None:
    """A key that had expired was found, and removed, when its owner used this one or another."""
    traces.key_expired(username)


class BasicAuthentication(authentication.BasicAuthentication):
    """`Authorization: Basic …`; the limits of log-ins hold, and no page of another site can use it for a change."""

    def authenticate_credentials(
        self,
        userid: str,
        password: str,
        request: Request | None = None,
    ) -> tuple[AbstractBaseUser, None]:
        """The user.

        Raises:
            AuthenticationFailed: no active user has this name and password.
            PermissionDeniedError: a page of another site asks for a change.
            TooManyAttemptsError: too many log-ins have failed, or are being checked.
        """
        asked = cast(Request, request)
        attempt = Attempt(userid, client_address(asked))
        if asked.method not in SAFE_METHODS and is_from_another_site(asked):
            traces.refused(attempt, "A page of another site asks for a change.")
            raise PermissionDeniedError("Pages of another site cannot make changes with HTTP Basic.")
        if not is_storable(userid) or len(userid) > USER_NAME_LENGTH:
            traces.refused(attempt, "No user has such a name.")
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
    """A session of the console; whatever changes something needs the CSRF token as well."""

    def enforce_csrf(self, request: Request) -> None:
        """Check the token in the header.

        Raises:
            PermissionDenied: there is none, or another one.
            UnsupportedMediaTypeError: the body is a form, which Django would parse to look for the token there.
        """
        if request.method not in SAFE_METHODS and _media_type(request) in _FORMS:
            raise UnsupportedMediaTypeError
        super().enforce_csrf(request)


def _media_type(request: Request) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()
