"""The errors of the management API, and the one place that renders whatever was raised."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.db.models import Model
from django.http import Http404, UnreadablePostError
from redis import RedisError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from web import database
from web.errors import RequestError, RequestTooLargeError

CONFLICTS = frozenset({"RouteInUse", "TokenInUse", "NameInUse", "ScriptInUse", "TooManyKeys"})

_log = logging.getLogger("udapi.management")


class InvalidJsonError(RequestError):
    """The body is no JSON object."""

    status, reason = 400, "InvalidJson"
    detail = "The body is no JSON object in UTF-8."


class InvalidRequestError(RequestError):
    """Something about the request that no other reason names."""

    status, reason = 400, "InvalidRequest"
    detail = "The request could not be read."


class NotAuthenticatedError(RequestError):
    """No credentials, or none that open anything."""

    status, reason = 401, "NotAuthenticated"
    detail = "Log in: with a personal key, HTTP Basic or a session."


class PermissionDeniedError(RequestError):
    """The user lacks a permission flag."""

    status, reason = 403, "PermissionDenied"
    detail = "You do not have the permission to do this."


class NotFoundError(RequestError):
    """Nothing is at this address."""

    status, reason = 404, "NotFound"
    detail = "There is nothing at this address."


class MethodNotAllowedError(RequestError):
    """Another method than the address takes."""

    status, reason = 405, "MethodNotAllowed"
    detail = "This address does not take this method."


class StaleError(RequestError):
    """The object is no longer in the version that the client has seen."""

    status, reason = 412, "Stale"
    detail = "Somebody has changed the object meanwhile: get it again, then make your changes."


class UnsupportedMediaTypeError(RequestError):
    """A body that is not `application/json`."""

    status, reason = 415, "UnsupportedMediaType"
    detail = "Bodies are application/json."


class TooManyAttemptsError(RequestError):
    """Too many log-ins have failed, or are being checked right now."""

    status, reason = 429, "TooManyAttempts"
    detail = "Too many failed log-in attempts, try again later."


class UnexpectedError(RequestError):
    """Anything not foreseen; the log has it."""

    status, reason = 500, "UnexpectedException"
    detail = "Something went wrong, contact the system administrator."


class UnavailableError(RequestError):
    """Redis or the database does not answer, or there is no room left, on a disk say."""

    status, reason = 503, "Unavailable"
    detail = "This is not available right now, try again later."


class RefusedError(RequestError):
    """A change that a rule of the object refuses; `code` is the reason and `params` are the details of each."""

    def __init__(self, error: ValidationError, **shared: object) -> None:
        super().__init__("refused")
        self._errors = singles(error)
        self._shared = shared

    @property
    def status(self) -> int:  # type: ignore[override]
        """409 where nothing but a conflict is in the way."""
        return 409 if all(error.code in CONFLICTS for error in self._errors) else 400

    def entries(self) -> list[dict[str, object]]:
        """One entry an error, each with its details and with what they share."""
        return [_entry(error, self._shared) for error in self._errors]


# What DRF and Django raise by themselves; the first that fits, so subclasses come first.
_FOREIGN: tuple[tuple[type[Exception], type[RequestError]], ...] = (
    (drf.NotAuthenticated, NotAuthenticatedError),
    (drf.AuthenticationFailed, NotAuthenticatedError),
    (drf.PermissionDenied, PermissionDeniedError),
    (DjangoPermissionDenied, PermissionDeniedError),
    (drf.NotFound, NotFoundError),
    (Http404, NotFoundError),
    (ObjectDoesNotExist, NotFoundError),
    (drf.MethodNotAllowed, MethodNotAllowedError),
    (drf.UnsupportedMediaType, UnsupportedMediaTypeError),
    (drf.ParseError, InvalidJsonError),
    (RequestDataTooBig, RequestTooLargeError),
    (SuspiciousOperation, InvalidRequestError),
    (UnreadablePostError, InvalidRequestError),
    (RedisError, UnavailableError),
    (OperationalError, UnavailableError),
    (InterfaceError, UnavailableError),
)


def foreseen(error: Exception) -> RequestError:
    """`error` as one of ours; what nobody foresaw is logged and says nothing to the client."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, ValidationError):
        return RefusedError(error)
    for foreign, ours in _FOREIGN:
        if isinstance(error, foreign):
            if ours is UnavailableError:
                _log.error("not available: %s", error)
            return ours(headers=_headers(error))
    _log.error("an exception that nobody foresaw", exc_info=error)
    return UnexpectedError()


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler for every view of the management API."""
    ours = foreseen(error)
    return Response({"errors": ours.entries()}, status=ours.status, headers=ours.headers)


def singles(error: ValidationError) -> list[ValidationError]:
    """The single errors in `error`, whichever field they belong to."""
    if hasattr(error, "error_dict"):
        return [single for errors in error.error_dict.values() for single in errors]
    return list(error.error_list)


def errors_of(instance: Model) -> list[ValidationError]:
    """What the rules of `instance` have against it as it is."""
    try:
        instance.clean()
    except ValidationError as error:
        return singles(error)
    return []


def _entry(error: ValidationError, shared: Mapping[str, object]) -> dict[str, object]:
    detail = " ".join(error.messages)
    return {"reason": str(error.code), "detail": detail} | dict(shared) | dict(error.params or {})


def _headers(error: Exception) -> dict[str, str]:
    if database.are_all_taken(error):
        return {"Retry-After": str(database.RETRY_AFTER_SECONDS)}
    # DRF has put it there.
    challenge = getattr(error, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}
