"""The body of a trigger's request: its size is counted while it is read, whatever was announced."""

import codecs
from collections.abc import Iterator, Set
from typing import Any

from gunicorn.http.errors import ParseException

from automation.sdk import is_text
from definitions.content_types import ANY_TYPE
from endpoint import errors
from endpoint.waiting_slots import slots
from foundation.limits import LARGEST_TRIGGER_BODY
from web.bodies import announced_length

_STEP = 64 * 1024
_LONGEST_TYPE_LOGGED = 300


class RequestBody:
    """The body in a WSGI environment."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ, self._announced, self._is_read = environ, announced_length(environ), False

    def read(self, content_types: Set[str], *, has_text: bool) -> bytes:
        """The whole body, at most 30 MB, valid UTF-8 if it is text. From here on the request holds a waiting slot.

        `content_types` are those that the definition accepts; `has_text` says whether the type of this body is text.

        Raises:
            ManagerNotInitializedError: no waiting slot is free.
            InvalidContentTypeError: there is a body, and its type is not supported.
            BodyTooLargeError: it has more than 30 MB; no more than that was read.
            FailedToReadBodyError: it ended early or came too slowly, or it is text and not UTF-8.
        """
        if self._announced > 0:
            check_content_type(self._environ, content_types, has_body=True)
        slots.hold_for(self._environ)
        steps = self._steps()
        first, failure = _first(steps)
        check_content_type(self._environ, content_types, has_body=bool(first) or self._announced > 0)
        if failure is not None:
            raise failure
        body = bytearray(first)
        for step in steps:
            body += step
            if len(body) > LARGEST_TRIGGER_BODY:
                raise errors.BodyTooLargeError("more than was announced")
        if len(body) < self._announced:
            raise errors.FailedToReadBodyError(f"broken off after {len(body)} bytes")
        if has_text:
            check_utf8(body)
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


def check_content_type(environ: dict[str, Any], accepted: Set[str], *, has_body: bool) -> None:
    """Check 11 of the contract.

    Raises:
        InvalidContentTypeError: the type, its charset or the encoding is not supported.
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise errors.InvalidContentTypeError("content encoding")
    if not has_body:
        return
    content_type = environ.get("CONTENT_TYPE", "")
    if not _is_accepted(content_type, accepted):
        raise errors.InvalidContentTypeError(content_type[:_LONGEST_TYPE_LOGGED] or "no content type")


def _is_accepted(content_type: str, accepted: Set[str]) -> bool:
    """Whether the type is one of these. Text in a charset other than UTF-8 is not accepted by its type."""
    if ANY_TYPE in accepted:
        return True
    essence = content_type.partition(";")[0].strip().lower()
    return essence in accepted and (not is_text(essence) or is_text(content_type))


def _first(steps: Iterator[bytes]) -> tuple[bytes, errors.TriggerError | None]:
    """The first bytes of the body: only they show whether a chunked request has one at all."""
    try:
        return next(steps, b""), None
    except errors.FailedToReadBodyError as failure:
        return b"", failure


def check_utf8(body: bytes | bytearray) -> None:
    """Check step by step: decoding a large body at once would take up to four times its size.

    Raises:
        FailedToReadBodyError: it is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        for start in range(0, len(body), _STEP):
            decoder.decode(view[start : start + _STEP])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise errors.FailedToReadBodyError(error.reason) from error
