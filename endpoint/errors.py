"""The error catalogue: each class is a row of it.

`reason` is the exact name in the trigger message, for the maintainer. A client sees only `code` and `detail`, which
reveal neither what exists nor how it is built.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import ClassVar

from web import database

TITLE = "Error occurred while handling the request, contact your admin with the provided errorCode and faultingNode ID."
GENERIC = "Something went wrong, contact the system administrator."
UNAVAILABLE = "The API is not available right now, try again later."
NEVER_STARTED = "The request was not started in time, it is safe to send it again."
MAY_HAVE_RUN = "The request was not answered in time, it may have been executed."

_log = logging.getLogger("udapi.endpoint")


class TriggerError(Exception):
    """A trigger that ends in an error of the catalogue.

    `message` is for the maintainer; `parameters` names those that are missing; `node` is the worker node where the
    error happened, None for the web server's own; `headers` go with the answer.
    """

    code: ClassVar[int]
    status: ClassVar[int]
    detail: str = GENERIC
    names_node: ClassVar[bool] = False
    reason: ClassVar[str]

    def __init__(
        self,
        message: str = "",
        *,
        parameters: Sequence[str] = (),
        node: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.parameters = list(parameters)
        self.node = node
        self.headers = headers or {}


class EmptyRouteError(TriggerError):
    code, status, reason = 1, 400, "EmptyRoute"
    detail = "The route is empty."


class InvalidRequestMethodError(TriggerError):
    code, status, reason = 3, 405, "InvalidRequestMethod"
    detail = "The request method is not supported."


class DefinitionNotFoundError(TriggerError):
    code, status, reason = 5, 404, "DefinitionNotFound"
    detail = "No API was found for this route."


class ManagerNotInitializedError(TriggerError):
    """No worker node is ready, the wait would be too long, or no waiting slot or database connection is free."""

    code, status, reason = 7, 503, "ManagerNotInitialized"
    detail = UNAVAILABLE

    @classmethod
    def for_now(cls, message: str, seconds: int | None = None) -> "ManagerNotInitializedError":
        """The error with `Retry-After`, in seconds."""
        return cls(message, headers={"Retry-After": str(seconds or database.RETRY_AFTER_SECONDS)})


class UnexpectedExceptionError(TriggerError):
    code, status, reason, names_node = 8, 500, "UnexpectedException", True


class InvalidActionMetaError(TriggerError):
    """The stored action meta does not fit the action type."""

    code, status, reason, names_node = 9, 500, "InvalidActionMeta", True


class BodyToParametersConversionFailedError(TriggerError):
    code, status, reason, names_node = 10, 400, "BodyToParametersConversionFailed", True
    detail = "Invalid json body received."


class InvalidActionTypeError(TriggerError):
    code, status, reason, names_node = 11, 500, "InvalidActionType", True


class AutomationActionError(TriggerError):
    """The script raised, failed, was killed or ran past its time."""

    code, status, reason, names_node = 12, 500, "AutomationActionError", True


class InvalidAutomationActionResultError(TriggerError):
    """The script returned nothing, or no valid output."""

    code, status, reason, names_node = 13, 500, "InvalidAutomationActionResult", True


class FailedToGetScriptInfoError(TriggerError):
    """The script is missing or lacks the entry point."""

    code, status, reason, names_node = 15, 500, "GetScriptInfoFailed", True


class MissingScriptParametersError(TriggerError):
    code, status, reason, names_node = 16, 400, "MissingScriptParameters", True
    detail = "The request body is missing script parameters."


class ResponseBodyTooLargeError(TriggerError):
    code, status, reason, names_node = 17, 500, "ResponseBodyTooLarge", True


class RequestFailedError(TriggerError):
    """Handing over to a worker node failed, or it gave no answer in time."""

    code, status, reason = 1001, 500, "NatsRequestFailed"
    detail = MAY_HAVE_RUN

    @classmethod
    def never_started(cls, message: str) -> "RequestFailedError":
        """The error of a trigger that certainly never ran."""
        error = cls(message)
        error.detail = NEVER_STARTED
        return error


class UnknownStatusCodeError(TriggerError):
    code, status, reason, names_node = 1002, 500, "UnknownStatusCode", True


class InvalidContentTypeError(TriggerError):
    code, status, reason = 1003, 415, "InvalidContentType"
    detail = "The content type is not supported."


class UnspecifiedReasonError(TriggerError):
    """A node reported an error without a reason."""

    code, status, reason, names_node = 1004, 500, "UnspecifiedErrorReason", True


class UnknownReasonError(TriggerError):
    """A node reported a reason that this web server does not know."""

    code, status, reason, names_node = 1005, 500, "UnknownErrorReason", True


class MessageBrokerNotInitializedError(TriggerError):
    code, status, reason = 1006, 503, "MessageBrokerNotInitialized"
    detail = UNAVAILABLE


class FailedToReadBodyError(TriggerError):
    """The body ended early, or is not UTF-8."""

    code, status, reason = 1007, 500, "FailedToReadBody"
    detail = "The request body could not be read."


class AuthenticationHeaderInvalidError(TriggerError):
    code, status, reason = 1008, 401, "AuthenticationHeaderInvalid"
    detail = "The authentication header is invalid."


class BodyTooLargeError(TriggerError):
    code, status, reason = 1009, 413, "BodyTooLarge"
    detail = "The request body is too large."


class AuthenticationFailedError(TriggerError):
    """The caller may not call this API. Only the log and the trigger message tell its subclasses apart."""

    code, status, reason = 1010, 401, "AuthenticationFailed"
    detail = "Authentication failed."


class InvalidSecretError(AuthenticationFailedError):
    """The secret is empty or malformed."""

    reason = "InvalidSecret"


class TokenNotFoundError(AuthenticationFailedError):
    """The secret is well-formed, but no token has it."""

    reason = "TokenNotFound"


class TokenDisabledError(AuthenticationFailedError):
    reason = "TokenDisabled"


class TokenNotAllowedError(AuthenticationFailedError):
    reason = "TokenNotAllowed"


class QueryStringTooLargeError(TriggerError):
    code, status, reason = 1011, 414, "QueryStringTooLarge"
    detail = "The query string is too large."


class ResponseHeadersNotAllowedError(TriggerError):
    """The script set a header that only the server may set."""

    code, status, reason, names_node = 1012, 500, "ResponseHeadersNotAllowed", True


class ResponseHeadersInvalidError(TriggerError):
    """The script set a malformed header."""

    code, status, reason, names_node = 1013, 500, "ResponseHeadersInvalid", True


class RateLimitExceededError(TriggerError):
    code, status, reason = 1014, 429, "RateLimitExceeded"
    detail = "The rate limit is exceeded."


class RunCancelledError(TriggerError):
    """Somebody cancelled the run."""

    code, status, reason, names_node = 2007, 500, "RunCancelled", True
    detail = "The run was cancelled."


class ApiBusyError(TriggerError):
    """As many runs of the API go on as its definition allows."""

    code, status, reason = 2008, 503, "ApiBusy"
    detail = "The API is busy, try again later."


class ApiDisabledError(TriggerError):
    code, status, reason = 2009, 503, "ApiDisabled"
    detail = "The API is disabled."


def _rows(row: type[TriggerError] = TriggerError) -> Iterator[type[TriggerError]]:
    for narrower in row.__subclasses__():
        yield narrower
        yield from _rows(narrower)


CATALOGUE = {row.reason: row for row in _rows()}


def foreseen(exception: Exception) -> TriggerError:
    """`exception` itself if it is of the catalogue; error 7 if no database connection is free.

    Any other exception is logged and becomes error 8.
    """
    if isinstance(exception, TriggerError):
        return exception
    if database.are_all_taken(exception):
        return ManagerNotInitializedError.for_now(f"no connection to the database: {exception}")
    _log.error("unexpected exception", exc_info=exception)
    return UnexpectedExceptionError(f"{type(exception).__name__}: {exception}")


def reported_by_node(reason: str | None, message: str, parameters: Sequence[str], node: int) -> TriggerError:
    """The error for a `reason` that a worker node gave."""
    if not reason:
        return UnspecifiedReasonError(message, node=node)
    row = CATALOGUE.get(reason, UnknownReasonError)
    return row(message, parameters=parameters, node=node)
