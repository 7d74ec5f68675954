"""The errors of the management API, and the one function that renders whatever was raised."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from redis import RedisError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from automation.credential_keys import CredentialKeyMissingError
from web import database
from web.errors import RequestError, RequestTooLargeError

CONFLICTS = frozenset({"RouteInUse", "TokenInUse", "NameInUse", "ScriptInUse", "TooManyKeys", "PackagesNotReady"})

_log = logging.getLogger("udapi.management")


class InvalidJsonError(RequestError):
    status, reason = 400, "InvalidJson"
    detail = "The body must be a JSON object in UTF-8."


class InvalidRequestError(RequestError):
    """A fault of the request that no other reason names."""

    status, reason = 400, "InvalidRequest"
    detail = "The request could not be read."


class NotAuthenticatedError(RequestError):
    """The credentials are missing or not valid."""

    status, reason = 401, "NotAuthenticated"
    detail = "Authenticate with a personal key, HTTP Basic or a session."


class PermissionDeniedError(RequestError):
    status, reason = 403, "PermissionDenied"
    detail = "You don't have permission to do this."


class NotFoundError(RequestError):
    status, reason = 404, "NotFound"
    detail = "Nothing was found at this address."


class MethodNotAllowedError(RequestError):
    status, reason = 405, "MethodNotAllowed"
    detail = "This address does not accept this method."


class RunEndedError(RequestError):
    status, reason = 409, "RunEnded"
    detail = "The run is over."


class StaleError(RequestError):
    """The object has changed since the revision that `If-Match` names."""

    status, reason = 412, "Stale"
    detail = "The object has changed since you read it. Read it again, then make your change."


class UnsupportedMediaTypeError(RequestError):
    status, reason = 415, "UnsupportedMediaType"
    detail = "The body must be application/json."


class TooManyAttemptsError(RequestError):
    """Too many log-ins have failed or are being checked."""

    status, reason = 429, "TooManyAttempts"
    detail = "Too many failed log-in attempts, try again later."


class UnexpectedError(RequestError):
    """An unexpected exception, which is in the log."""

    status, reason = 500, "UnexpectedException"
    detail = "Something went wrong, contact the system administrator."


class UnavailableError(RequestError):
    """Redis or the database does not answer, or a limit such as the disk's is reached."""

    status, reason = 503, "Unavailable"
    detail = "This is not available right now, try again later."


class RefusedError(RequestError):
    """A change that rules of the object refuse. `code` of each error is the reason, `params` are its details."""

    def __init__(self, error: ValidationError, **shared: object) -> None:
        super().__init__("refused")
        self.details = shared
        # A list of errors takes over the single errors of all fields.
        self._errors = ValidationError([error]).error_list

    @property
    def status(self) -> int:  # type: ignore[override]
        """409 if all errors are conflicts."""
        return 409 if all(error.code in CONFLICTS for error in self._errors) else 400

    def entries(self) -> list[dict[str, object]]:
        return [
            {"reason": str(error.code), "detail": " ".join(error.messages)} | self.details | dict(error.params or {})
            for error in self._errors
        ]


# What DRF, Django and redis raise. The first match counts, so subclasses come first.
_FOREIGN: Mapping[type[RequestError], tuple[type[Exception], ...]] = {
    NotAuthenticatedError: (drf.NotAuthenticated, drf.AuthenticationFailed),
    PermissionDeniedError: (drf.PermissionDenied, DjangoPermissionDenied),
    NotFoundError: (drf.NotFound, Http404, ObjectDoesNotExist),
    MethodNotAllowedError: (drf.MethodNotAllowed,),
    UnsupportedMediaTypeError: (drf.UnsupportedMediaType,),
    InvalidJsonError: (drf.ParseError,),
    RequestTooLargeError: (RequestDataTooBig,),
    InvalidRequestError: (SuspiciousOperation, UnreadablePostError),
    UnavailableError: (RedisError, OperationalError, InterfaceError, CredentialKeyMissingError),
}


def as_request_error(error: Exception) -> RequestError:
    """`error` as one of ours. An unexpected one is logged, and the client learns nothing about it."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, ValidationError):
        return RefusedError(error)
    for ours, foreign in _FOREIGN.items():
        if isinstance(error, foreign):
            if ours is UnavailableError:
                _log.error("Not available: %s", error)
            return ours(headers=_headers(error))
    _log.error("Unexpected exception", exc_info=error)
    return UnexpectedError()


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler for every view of the management API."""
    ours = as_request_error(error)
    return Response({"errors": ours.entries()}, status=ours.status, headers=ours.headers)


def _headers(error: Exception) -> dict[str, str]:
    if database.are_all_taken(error):
        return {"Retry-After": str(database.RETRY_AFTER_SECONDS)}
    # DRF adds it in `APIView.handle_exception`.
    challenge = getattr(error, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}
