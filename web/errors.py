"""Errors of requests to the management API or the console, and those that the HTTP server's limits cause."""

from collections.abc import Mapping
from typing import ClassVar


class RequestError(Exception):
    """A refused request. `details` stand beside `reason` and `detail` in the answer; `headers` go with it."""

    status: ClassVar[int]
    reason: ClassVar[str]
    detail: ClassVar[str]

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None, **details: object) -> None:
        super().__init__(detail or self.detail)
        self.headers = dict(headers or {})
        self.details = details

    def entries(self) -> list[dict[str, object]]:
        """The `errors` of the answer."""
        return [{"reason": self.reason, "detail": str(self)} | self.details]


class RequestTimeoutError(RequestError):
    status, reason = 408, "RequestTimeout"
    detail = "The body took too long."


class LengthRequiredError(RequestError):
    status, reason = 411, "LengthRequired"
    detail = "Send the body with a Content-Length."


class RequestTooLargeError(RequestError):
    status, reason = 413, "BodyTooLarge"
    detail = "The body is too large."
