"""The request that a script answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from automation.sdk.media_types import FORM, is_text, media_type
from automation.sdk.request_bodies import as_form, as_json, as_text, no_form
from automation.sdk.values import FormValues, GivenValues, QueryParameters, RequestHeaders


class RequestMethod(StrEnum):
    """The HTTP method of a trigger."""

    GET = "Get"
    PUT = "Put"
    POST = "Post"
    DELETE = "Delete"
    PATCH = "Patch"


@dataclass(frozen=True)
class TriggerContext:
    """Who called: the id of the token, None if a user runs the API as themselves; the trigger's id; the address."""

    token_id: str | None = ""
    trigger_id: str = ""
    client_address: str = ""


class ApiTriggerInput:
    """What the caller sent; it cannot be changed.

    Everything has a default, so that a test sets only what it needs. A test gives the body as `raw_body` or as
    `raw_body_bytes`; the other one follows from it.
    """

    def __init__(
        self,
        *,
        request_method: RequestMethod = RequestMethod.GET,
        route: str = "",
        raw_body: str | None = None,
        raw_body_bytes: bytes | None = None,
        parameters: Mapping[str, str] | None = None,
        query_parameters: QueryParameters | GivenValues | None = None,
        route_parameters: Mapping[str, str] | None = None,
        headers: RequestHeaders | GivenValues | None = None,
        context: TriggerContext | None = None,
    ) -> None:
        self._request_method = request_method
        self._route = route
        # What a script reads is made of what is given when it is first read; most scripts read little.
        self._text = "" if raw_body is None and raw_body_bytes is None else raw_body
        self._bytes = raw_body_bytes
        self._parameters = dict(parameters or {})
        self._query_parameters = query_parameters
        self._route_parameters = dict(route_parameters or {})
        self._headers = headers
        self._context = context or TriggerContext()

    @property
    def request_method(self) -> RequestMethod:
        """The HTTP method."""
        return self._request_method

    @property
    def route(self) -> str:
        """The path as called."""
        return self._route

    @property
    def parameters(self) -> dict[str, str]:
        """The body as name to text, with the input type `Parameters`; otherwise empty."""
        return self._parameters

    @property
    def query_parameters(self) -> QueryParameters:
        """The parameters of the query string."""
        if not isinstance(self._query_parameters, QueryParameters):
            self._query_parameters = QueryParameters(self._query_parameters or ())
        return self._query_parameters

    @property
    def route_parameters(self) -> dict[str, str]:
        """The values of the placeholders of the route."""
        return self._route_parameters

    @property
    def headers(self) -> RequestHeaders:
        """The headers that the client sent, without those that prove who it is and those of the connection."""
        if not isinstance(self._headers, RequestHeaders):
            self._headers = RequestHeaders(self._headers or ())
        return self._headers

    @property
    def context(self) -> TriggerContext:
        """Who called."""
        return self._context

    @property
    def content_type(self) -> str:
        """The media type of the body, in lower case and without parameters; "" if the client sent none."""
        return media_type(self._content_type)

    @property
    def raw_body(self) -> str:
        """The body as text: "" if there is none, or if its content type is not text (see `raw_body_bytes`)."""
        if self._text is None:
            self._text = as_text(self.raw_body_bytes) if is_text(self._content_type) else ""
        return self._text

    @property
    def raw_body_bytes(self) -> bytes:
        """The body exactly as it was received."""
        if self._bytes is None:
            self._bytes = self.raw_body.encode()
        return self._bytes

    def json(self) -> Any:
        """The body read as JSON, whatever its content type. Raises `ApiError` (400) if it is not JSON in UTF-8."""
        return as_json(self.raw_body or as_text(self.raw_body_bytes))

    def form(self) -> FormValues:
        """The fields of a form. Raises `ApiError` (400) if the body is no `application/x-www-form-urlencoded`."""
        if self._content_type and not (self.content_type == FORM and is_text(self._content_type)):
            raise no_form()
        return as_form(self.raw_body_bytes)

    @property
    def _content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    def __repr__(self) -> str:
        """Without body and headers: they may hold what does not belong into a log."""
        return f"ApiTriggerInput(request_method={self._request_method!r}, route={self._route!r})"
