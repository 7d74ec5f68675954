"""Lists: the query string that asks for one, and its pages."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from foundation.texts import is_storable
from objects.serializers import invalid_field

LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100})
OFFSET = OpenApiParameter("offset", {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0})
PAGE_PARAMETERS = (LIMIT, OFFSET)
PAGE_NAMES = (LIMIT.name, OFFSET.name)


def only(request: Request, known: Collection[str], *, repeatable: Collection[str] = ()) -> dict[str, str]:
    """The parameters of the query string, which may only be `known` or `repeatable` ones; of the latter the last value.

    Raises:
        ValidationError: `InvalidField`, a parameter is unknown, repeated or not storable.
    """
    for name, values in request.query_params.lists():
        if name not in known and name not in repeatable:
            raise invalid_field(name, "There is no such parameter.")
        if not all(map(is_storable, values)) or (len(values) > 1 and name not in repeatable):
            raise invalid_field(name, "The parameter is repeated or contains characters that cannot be stored.")
    return request.query_params.dict()


def page(rows: Any, request: Request, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The page of `rows` that `limit` and `offset` ask for.

    Raises:
        ValidationError: `InvalidField`, one of the two is malformed.
    """
    pages = _Pages()
    found: Any = pages.paginate_queryset(rows, request)
    return cast("dict[str, Any]", pages.get_paginated_response(serializer(found, many=True).data).data)


class _Pages(LimitOffsetPagination):
    """Refuses a malformed number, where DRF would take the default."""

    def get_limit(self, request: Request) -> int:
        return _whole_number(request, LIMIT)

    def get_offset(self, request: Request) -> int:
        return _whole_number(request, OFFSET)


def _whole_number(request: Request, parameter: OpenApiParameter) -> int:
    schema = cast("Mapping[str, int]", parameter.type)
    smallest, largest = schema["minimum"], schema["maximum"]
    text = request.query_params.get(parameter.name)
    if text is None:
        return schema["default"]
    if text.isascii() and text.isdigit() and len(text) < 12 and smallest <= int(text) <= largest:
        return int(text)
    raise invalid_field(parameter.name, f"The parameter must be a whole number from {smallest} to {largest}.")
