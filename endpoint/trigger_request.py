"""Method, route, query and headers of a trigger, read from the WSGI environment exactly as the client sent them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from automation.sdk import is_text
from definitions import routes
from endpoint import errors
from foundation.limits import LARGEST_TRIGGER_BODY
from web.bodies import announced_length

METHODS = {"GET": "Get", "PUT": "Put", "POST": "Post", "DELETE": "Delete", "PATCH": "Patch"}
LONGEST_QUERY_STRING = 2_048

_PREFIX = ("api", "custom")


@dataclass(frozen=True)
class TriggerRequest:
    """What is matched with definitions, and what scripts see of a request besides its body.

    `segments` is None when one of them can match no route. `is_text` says whether the body counts as text.
    """

    method: str
    segments: tuple[str, ...] | None
    query: list[tuple[str, str]]
    headers: Sequence[tuple[str, str]] = ()
    client_address: str = ""
    is_text: bool = True

    @property
    def route(self) -> str:
        """The route as called, decoded."""
        return "/".join(self.segments or ())


def read(environ: dict[str, Any], client_address: str = "") -> TriggerRequest:
    """The request in a WSGI environment, after checks 1 to 4 of the contract, in their order.

    Raises:
        QueryStringTooLargeError, InvalidRequestMethodError, EmptyRouteError, BodyTooLargeError.
    """
    query = environ.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY_STRING:
        raise errors.QueryStringTooLargeError(f"{len(query)} bytes")
    method = METHODS.get(environ["REQUEST_METHOD"])
    if method is None:
        raise errors.InvalidRequestMethodError("triggers have no such method", headers={"Allow": ", ".join(METHODS)})
    segments = routes.request_segments(path(environ))
    if segments == _PREFIX:
        raise errors.EmptyRouteError("nothing after the prefix")
    if (announced := announced_length(environ)) > LARGEST_TRIGGER_BODY:
        raise errors.BodyTooLargeError(f"{announced} bytes announced")
    segments = segments and segments[len(_PREFIX) :]
    headers, is_text_body = visible_headers(_headers(environ)), _is_text(environ.get("CONTENT_TYPE", ""))
    return TriggerRequest(method, segments, _query(query), headers, client_address, is_text_body)


_CREDENTIALS = {"authorization", "cookie"}
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_HIDDEN = frozenset(_CREDENTIALS | _HOP_BY_HOP)


def visible_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that scripts see: without those that prove who the client is, and those of the connection."""
    return [(_spelled(name), value) for name, value in headers if not is_hidden(name)]


def content_type(headers: Iterable[tuple[str, str]]) -> str:
    """The value of `Content-Type`, empty if there is none."""
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def is_hidden(name: str) -> bool:
    """Whether no script sees the header."""
    name = name.lower()
    return name in _HIDDEN or name.startswith("proxy-")


def _headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All headers in their order. Repeated ones stay apart, except under another server than the product's."""
    if (connection := environ.get("gunicorn.socket")) is not None:
        sent: Iterable[tuple[str, str]] = connection.headers
    else:
        sent = [(name[5:], value) for name, value in environ.items() if name.startswith("HTTP_")]
        sent += [(name, environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
        sent = [(name.replace("_", "-"), value) for name, value in sent]
    return [(name, value if value.isascii() else _decoded(value)) for name, value in sent]


def _decoded(value: str) -> str:
    """A value, which the server reads as Latin-1, read as UTF-8 if the client has sent that."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


@lru_cache(maxsize=512)
def _spelled(name: str) -> str:
    return name.title()


@lru_cache(maxsize=512)
def _is_text(content_type: str) -> bool:
    return is_text(content_type)


def path(environ: Mapping[str, Any]) -> str:
    """The raw path, as the client sent it, without the query."""
    uri: str = environ.get("RAW_URI") or environ.get("PATH_INFO", "")
    # A proxy may send the whole address; a leading `//` must not be taken for a host.
    raw = uri.partition("?")[0] if uri.startswith("/") else urlsplit(uri).path
    return raw.partition("#")[0]


def _query(query: str) -> list[tuple[str, str]]:
    """Pairs in their order. WSGI hands bytes over as Latin-1, and clients send UTF-8."""
    text = query.encode("latin-1", "replace").decode("utf-8", "replace")
    return parse_qsl(text, keep_blank_values=True, errors="replace")
