"""JSON in and out, regardless of `Accept` and `?format`."""

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
    """A JSON object in UTF-8; repeated names, NaN and excessive nesting are refused."""

    media_type = "application/json"
    largest = LARGEST_MANAGEMENT_BODY

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Read the body.

        Raises:
            RequestTooLargeError, InvalidJsonError: it is too large, or not a JSON object.
        """
        # Authentication is done, and the body may arrive slowly: the connection is free for others meanwhile.
        database.give_back()
        body = stream.read(self.largest + 1)
        if len(body) > self.largest:
            raise RequestTooLargeError
        try:
            value = json.loads(body.decode(), parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise InvalidJsonError from error
        if not isinstance(value, dict):
            raise InvalidJsonError
        return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated")
    return members


class JsonRenderer(JSONRenderer):
    """JSON in ASCII, so that an answer can show a refused text with lone surrogates."""

    ensure_ascii = True
    charset = None


class JsonOnly(DefaultContentNegotiation):
    """Answers are JSON whatever the client accepts; bodies need the parser of their type."""

    def select_renderer(  # type: ignore[override]  # as DRF calls it
        self, request: Request | HttpRequest, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
