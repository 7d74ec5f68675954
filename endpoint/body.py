"""The body of a trigger's request: its size is counted while it is read, whatever was announced."""

import codecs
from collections.abc import Iterator
from email.message import Message
from typing import Any

from gunicorn.http.errors import ParseException

from endpoint import errors
from endpoint.waiting_slots import slots
from foundation.limits import LARGEST_TRIGGER_BODY
from web.bodies import announced_length

CONTENT_TYPES = frozenset({"application/json", "application/xml", "text/xml", "text/plain"})

_STEP = 64 * 1024
_LONGEST_TYPE_LOGGED = 300


class RequestBody:
    """The body in a WSGI environment."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ, self._announced, self._is_read = environ, announced_length(environ), False

    def read(self) -> bytes:
        """The whole body, at most 30 MB, valid UTF-8. From here on the request holds a waiting slot.

        Raises:
            ManagerNotInitializedError: no waiting slot is free.
            InvalidContentTypeError: there is a body, and its type is not supported.
            BodyTooLargeError: it has more than 30 MB; no more than that was read.
            FailedToReadBodyError: it ended early, came too slowly or is not UTF-8.
        """
        if self._announced > 0:
            check_content_type(self._environ, has_body=True)
        slots.hold_for(self._environ)
        steps = self._steps()
        first, failure = _first(steps)
        check_content_type(self._environ, has_body=bool(first) or self._announced > 0)
        if failure is not None:
            raise failure
        body = bytearray(first)
        for step in steps:
            body += step
            if len(body) > LARGEST_TRIGGER_BODY:
                raise errors.BodyTooLargeError("more than was announced")
        if len(body) < self._announced:
            raise errors.FailedToReadBodyError(f"broken off after {len(body)} bytes")
        _check_utf8(body)
        self._is_read = True
        return bytes(body)

    def leave(self) -> None:
        """Leave the rest of the body unread: if it is large, the answer announces the end of the connection."""
        is_large = self._announced > _STEP or "HTTP_TRANSFER_ENCODING" in self._environ
        if is_large and not self._is_read:
            self._environ["gunicorn.socket"].close_after_answer()

    def _steps(self) -> Iterator[bytes]:
        stream = self._environ["wsgi.input"]
        try:
            while step := stream.read(_STEP):
                yield step
        except (OSError, ParseException) as error:
            raise errors.FailedToReadBodyError(str(error)) from error


def check_content_type(environ: dict[str, Any], *, has_body: bool) -> None:
    """Check 11 of the contract.

    Raises:
        InvalidContentTypeError: the type, its charset or the encoding is not supported.
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise errors.InvalidContentTypeError("content encoding")
    if not has_body:
        return
    content_type = environ.get("CONTENT_TYPE", "")
    essence, _, parameters = content_type.partition(";")
    if essence.strip().lower() not in CONTENT_TYPES or (parameters and not _is_utf8(parameters)):
        raise errors.InvalidContentTypeError(content_type[:_LONGEST_TYPE_LOGGED] or "no content type")


def _is_utf8(parameters: str) -> bool:
    """Whether the charset, if any, is UTF-8."""
    header = Message()
    header["Content-Type"] = f"text/plain;{parameters}".replace("\n", " ").replace("\r", " ")
    charset = header.get_param("charset", "utf-8")
    return isinstance(charset, str) and charset.lower() == "utf-8"


def _first(steps: Iterator[bytes]) -> tuple[bytes, errors.TriggerError | None]:
    """The first bytes of the body: only they show whether a chunked request has one at all."""
    try:
        return next(steps, b""), None
    except errors.FailedToReadBodyError as failure:
        return b"", failure


def _check_utf8(body: bytearray) -> None:
    """Check step by step: decoding a large body at once would take up to four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        for start in range(0, len(body), _STEP):
            decoder.decode(view[start : start + _STEP])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise errors.FailedToReadBodyError(error.reason) from error
