"""Pages of a list: `limit` and `offset`."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from management.query_string import whole_number

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 10_000
LARGEST_OFFSET = 2**31 - 1


PAGE_PARAMETERS = (
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT}),
    OpenApiParameter("offset", {"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET, "default": 0}),
)


def page_of(entry: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """How a page of `entry` is described in the OpenAPI document."""
    parts = {
        "__doc__": "A page of a list; `next` and `previous` are the addresses of the pages beside it.",
        "count": serializers.IntegerField(),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": entry(many=True),
    }
    return type(entry.__name__.replace("Serializer", "PageSerializer"), (serializers.Serializer,), parts)


def searched_page_of(entry: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """Likewise, of a list that can be searched."""
    texts = serializers.ListField(child=serializers.CharField())
    highlights = serializers.DictField(
        child=serializers.DictField(child=texts),
        required=False,
        help_text="With `search`, by id and property: what matches, as HTML with `<em>`.",
    )
    page = page_of(entry)
    return type(page.__name__, (page,), {"__doc__": page.__doc__, "highlights": highlights})


class Pages(LimitOffsetPagination):
    """`{"count", "next", "previous", "results"}`."""

    default_limit = DEFAULT_LIMIT
    max_limit = LARGEST_LIMIT

    def get_limit(self, request: Request) -> int:
        """How many.

        Raises:
            ValidationError: `InvalidField`.
        """
        return whole_number(request, "limit", DEFAULT_LIMIT, 1, LARGEST_LIMIT)

    def get_offset(self, request: Request) -> int:
        """How many are left out before.

        Raises:
            ValidationError: `InvalidField`.
        """
        return whole_number(request, "offset", 0, 0, LARGEST_OFFSET)

    def paginate_list(self, rows: "QuerySet[Any] | Sequence[Any]", request: Request) -> list[Any]:
        """The rows of the page; `envelope` renders it afterwards."""
        return list(self.paginate_queryset(rows, request) or [])

    def envelope(self, results: list[Any]) -> dict[str, Any]:
        """The answer with `results` in it."""
        return {
            "count": self.count,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "results": results,
        }
