"""The body of a request: counted while it is read, whatever was announced."""

import time
from collections.abc import Iterator
from email.message import Message
from typing import Any

from django.conf import settings
from gunicorn.http.errors import ParseException

from endpoint import errors
from endpoint.patience import patience
from endpoint.places import place
from endpoint.reading import LARGEST_BODY, announced_length

CONTENT_TYPES = frozenset({"application/json", "application/xml", "text/xml", "text/plain"})

_STEP = 64 * 1024


def read(environ: dict[str, Any]) -> bytes:
    """The whole body, at most 30 MB, valid UTF-8. While it comes in, it holds one of the places to wait.

    Raises:
        ManagerNotInitializedError: no place is left.
        InvalidContentTypeError: there is a body, and it is of a type that is not supported.
        BodyTooLargeError: it has more than 30 MB; no more than that was read.
        FailedToReadBodyError: it was broken off, came too slowly or is not UTF-8.
    """
    if announced_length(environ) > 0:
        check_content_type(environ, has_body=True)
    with place():
        return _read(environ)


def _read(environ: dict[str, Any]) -> bytes:
    steps = _steps(environ)
    first, failure = _first(steps)
    check_content_type(environ, has_body=bool(first) or announced_length(environ) > 0)
    if failure is not None:
        raise failure
    body = bytearray(first)
    for step in steps:
        body += step
        if len(body) > LARGEST_BODY:
            raise errors.BodyTooLargeError("more than was announced")
    if len(body) < announced_length(environ):
        raise errors.FailedToReadBodyError(f"broken off after {len(body)} bytes")
    return _utf8(bytes(body))


def leave(environ: dict[str, Any]) -> None:
    """What is left of a body stays unread: where it is large, the answer says that the connection ends with it."""
    if announced_length(environ) > _STEP or "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input"].close_connection()


def check_content_type(environ: dict[str, Any], *, has_body: bool) -> None:
    """Check 11 of the contract.

    Raises:
        InvalidContentTypeError: the type, its charset or the encoding is not supported.
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise errors.InvalidContentTypeError("content encoding")
    if not has_body:
        return
    essence, _, parameters = environ.get("CONTENT_TYPE", "").partition(";")
    if essence.strip().lower() not in CONTENT_TYPES or (parameters and not _is_utf8(parameters)):
        raise errors.InvalidContentTypeError(environ.get("CONTENT_TYPE", "") or "no content type")


def _is_utf8(parameters: str) -> bool:
    """Whether the charset, if any, is UTF-8."""
    header = Message()
    header["Content-Type"] = f"text/plain;{parameters}".replace("\n", " ").replace("\r", " ")
    charset = header.get_param("charset", "utf-8")
    return isinstance(charset, str) and charset.lower() == "utf-8"


def _first(steps: Iterator[bytes]) -> tuple[bytes, errors.TriggerError | None]:
    """The first bytes of the body, by which a chunked request shows that it has one at all."""
    try:
        return next(steps, b""), None
    except errors.FailedToReadBodyError as failure:
        return b"", failure


def _steps(environ: dict[str, Any]) -> Iterator[bytes]:
    stream = environ["wsgi.input"]
    seconds = settings.UDAPI_TRIGGER_TIMEOUT_SECONDS
    deadline = time.monotonic() + seconds
    try:
        with patience(environ.get("gunicorn.socket"), seconds):
            while step := stream.read(_STEP):
                yield step
                if time.monotonic() > deadline:
                    raise errors.FailedToReadBodyError("too slow")
    except (OSError, ParseException) as error:
        raise errors.FailedToReadBodyError(str(error)) from error


def _utf8(body: bytes) -> bytes:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise errors.FailedToReadBodyError(f"no UTF-8 at byte {error.start}") from error
    return body
