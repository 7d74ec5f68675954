"""Method, route and query of a trigger, read from the WSGI environment exactly as the client sent them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from definitions import routes
from endpoint import errors
from foundation.limits import LARGEST_TRIGGER_BODY
from web.bodies import announced_length

METHODS = {"GET": "Get", "PUT": "Put", "POST": "Post", "DELETE": "Delete", "PATCH": "Patch"}
LONGEST_QUERY_STRING = 2_048

_PREFIX = ("api", "custom")


@dataclass(frozen=True)
class TriggerRequest:
    """What is matched with definitions; `segments` is None when one of them can match no route."""

    method: str
    segments: tuple[str, ...] | None
    query: list[tuple[str, str]]

    @property
    def route(self) -> str:
        """The route as called, decoded."""
        return "/".join(self.segments or ())


def read(environ: dict[str, Any]) -> TriggerRequest:
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
    return TriggerRequest(method, segments and segments[len(_PREFIX) :], _query(query))


def path(environ: dict[str, Any]) -> str:
    """The raw path, as the client sent it, without the query."""
    uri: str = environ.get("RAW_URI") or environ.get("PATH_INFO", "")
    # A proxy may send the whole address; a leading `//` must not be taken for a host.
    raw = uri.partition("?")[0] if uri.startswith("/") else urlsplit(uri).path
    return raw.partition("#")[0]


def _query(query: str) -> list[tuple[str, str]]:
    """Pairs in their order. WSGI hands bytes over as Latin-1, and clients send UTF-8."""
    text = query.encode("latin-1", "replace").decode("utf-8", "replace")
    return parse_qsl(text, keep_blank_values=True, errors="replace")
