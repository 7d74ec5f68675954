"""The body of a request: counted while it is read, whatever was announced."""

import codecs
from collections.abc import Iterator
from email.message import Message
from typing import Any

from gunicorn.http.errors import ParseException

from endpoint import errors
from endpoint.trigger_request import announced_length
from endpoint.waiting_slots import hold_place
from foundation.limits import LARGEST_TRIGGER_BODY

CONTENT_TYPES = frozenset({"application/json", "application/xml", "text/xml", "text/plain"})

_STEP = 64 * 1024
_LONGEST_TYPE_LOGGED = 300


def read(environ: dict[str, Any]) -> bytes:
    """The whole body, at most 30 MB, valid UTF-8. The request holds a place to wait from here on.

    Raises:
        ManagerNotInitializedError: no place is left.
        InvalidContentTypeError: there is a body, and it is of a type that is not supported.
        BodyTooLargeError: it has more than 30 MB; no more than that was read.
        FailedToReadBodyError: it was broken off, came too slowly or is not UTF-8.
    """
    if announced_length(environ) > 0:
        check_content_type(environ, has_body=True)
    hold_place(environ)
    steps = _steps(environ)
    first, failure = _first(steps)
    check_content_type(environ, has_body=bool(first) or announced_length(environ) > 0)
    if failure is not None:
        raise failure
    body = bytearray(first)
    for step in steps:
        body += step
        if len(body) > LARGEST_TRIGGER_BODY:
            raise errors.BodyTooLargeError("more than was announced")
    if len(body) < announced_length(environ):
        raise errors.FailedToReadBodyError(f"broken off after {len(body)} bytes")
    _check_utf8(body)
    return bytes(body)


def leave(environ: dict[str, Any]) -> None:
    """What is left of a body stays unread: where it is large, the answer says that the connection ends with it."""
    if announced_length(environ) > _STEP or "HTTP_TRANSFER_ENCODING" in environ:
        environ["gunicorn.socket"].close_after_answer()


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
        shown = environ.get("CONTENT_TYPE", "")[:_LONGEST_TYPE_LOGGED]
        raise errors.InvalidContentTypeError(shown or "no content type")


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
    try:
        while step := stream.read(_STEP):
            yield step
    except (OSError, ParseException) as error:
        raise errors.FailedToReadBodyError(str(error)) from error


def _check_utf8(body: bytearray) -> None:
    """Refuse what is no UTF-8. The text of a large body, all at once, would take up to four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        for start in range(0, len(body), _STEP):
            decoder.decode(view[start : start + _STEP])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise errors.FailedToReadBodyError(error.reason) from error
