"""JSON in and out, whatever `Accept` and `?format` say."""

import json
from collections.abc import Mapping, Sequence
from typing import IO, Any, NoReturn

from django.http import HttpRequest
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from foundation.limits import LARGEST_MANAGEMENT_BODY
from management.errors import InvalidJsonError
from web import database
from web.errors import RequestTooLargeError


class JsonParser(BaseParser):
    """A JSON object in UTF-8; a name given twice, NaN and nesting without end are refused."""

    media_type = "application/json"
    largest = LARGEST_MANAGEMENT_BODY

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object.

        Raises:
            RequestTooLargeError, InvalidJsonError: it cannot be one.
        """
        # The caller is authenticated by now, and the body may come slowly.
        database.give_back()
        body = stream.read(self.largest + 1)
        if len(body) > self.largest:
            raise RequestTooLargeError
        return parse(body)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises:
        InvalidJsonError: it is none.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidJsonError from error
    if not isinstance(value, dict):
        raise InvalidJsonError
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is given twice")
    return members


class JsonRenderer(JSONRenderer):
    """JSON in ASCII: a refused text is shown in the answer even where it has characters that UTF-8 has not."""

    ensure_ascii = True
    charset = None


class JsonOnly(DefaultContentNegotiation):
    """Answers are JSON, even to who asks for something else; bodies need the parser of their type."""

    def select_renderer(  # type: ignore[override]  # as DRF calls it
        self, request: Request | HttpRequest, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first, always."""
        return renderers[0], renderers[0].media_type
