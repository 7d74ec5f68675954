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
PAGE_NAMES = tuple(parameter.name for parameter in PAGE_PARAMETERS)


def page_of(entry: type[serializers.Serializer[Any]], *, searched: bool = False) -> type[serializers.Serializer[Any]]:
    """A page of `entry` in the OpenAPI document; with `highlights` if the list is `searched` by the mirror."""
    parts: dict[str, Any] = {
        "__doc__": "A page of a list; `next` and `previous` are the addresses of the pages before and after it.",
        "count": serializers.IntegerField(),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": entry(many=True),
    }
    if searched:
        texts = serializers.ListField(child=serializers.CharField())
        help_text = "With `search`, by id and property: what matches, as HTML with `<em>`."
        by_property = serializers.DictField(child=texts)
        parts["highlights"] = serializers.DictField(child=by_property, required=False, help_text=help_text)
    return type(entry.__name__.replace("Serializer", "PageSerializer"), (serializers.Serializer,), parts)


class Pages(LimitOffsetPagination):
    """`{"count", "next", "previous", "results"}`."""

    default_limit = DEFAULT_LIMIT
    max_limit = LARGEST_LIMIT

    def get_limit(self, request: Request) -> int:
        """The largest number of results.

        Raises:
            ValidationError: `InvalidField`.
        """
        return whole_number(request, "limit", DEFAULT_LIMIT, 1, LARGEST_LIMIT)

    def get_offset(self, request: Request) -> int:
        """How many are skipped.

        Raises:
            ValidationError: `InvalidField`.
        """
        return whole_number(request, "offset", 0, 0, LARGEST_OFFSET)

    def paginate_list(self, rows: "QuerySet[Any] | Sequence[Any]", request: Request) -> list[Any]:
        """The rows of the page; call `envelope` afterwards."""
        return list(self.paginate_queryset(rows, request) or [])

    def envelope(self, results: Any) -> dict[str, Any]:

        return {
            "count": self.count,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "results": results,
        }
