"""`events/`: what happened, to be read, filtered and exported."""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events import exports, formats
from events.models import InformationEvent, ObjectType, Verb
from events.selection import FILTERS, Selection
from events.visibility import readable_events, readable_types
from foundation.texts import is_storable
from management.errors import NotFoundError, PermissionDeniedError
from management.fields import as_id
from management.filters import ORDERING, order_schema
from management.pagination import PAGE_PARAMETERS, Pages
from management.query_string import invalid
from management.views import ManagementView

_ORDER: Final[Mapping[str, str]] = {
    "id": "event_id",
    "time": "time",
    "user": "user",
    "verb": "verb",
    "objectType": "object_type",
    "objectId": "object_id",
}


class EventSerializer(serializers.Serializer[Any]):
    """An event on the wire, for the OpenAPI document."""

    id = serializers.UUIDField()
    time = serializers.DateTimeField()
    parameterId = serializers.IntegerField()
    parameterName = serializers.CharField()
    severity = serializers.CharField()
    user = serializers.CharField()
    verb = serializers.ChoiceField(Verb.choices)
    objectType = serializers.ChoiceField(ObjectType.choices)
    objectId = serializers.UUIDField()
    message = serializers.CharField()


class EventPageSerializer(serializers.Serializer[Any]):
    """A page of events."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EventSerializer(many=True)


class EventCountSerializer(serializers.Serializer[Any]):
    """How many."""

    count = serializers.IntegerField()


FILTER_PARAMETERS: Final = [
    OpenApiParameter("id", {"type": "string", "format": "uuid"}),
    OpenApiParameter("user", str, description="The full name or the user name."),
    OpenApiParameter("verb", str, enum=Verb.values),
    OpenApiParameter("objectType", str, enum=ObjectType.values),
    OpenApiParameter("objectId", {"type": "string", "format": "uuid"}),
    OpenApiParameter("name", str, description="The name that the object had after the change."),
    OpenApiParameter("route", str, description="The route that the definition had after the change."),
    OpenApiParameter("actionType", str),
    OpenApiParameter("isDisabled", bool),
    OpenApiParameter("timeAfter", {"type": "string", "format": "date-time"}),
    OpenApiParameter("timeBefore", {"type": "string", "format": "date-time"}),
]
_SEARCH = OpenApiParameter("search", str, description="A part of the message.")
_PAGES: Final = [OpenApiParameter("ordering", order_schema(_ORDER), description=ORDERING), *PAGE_PARAMETERS]


class EventView(ManagementView):
    """What the views of events have in common: who may read the events of no object at all is refused."""

    needs = None
    http_method_names = ["get", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who reads, and may he.

        Raises:
            PermissionDeniedError: he may view nothing that has events.
        """
        super().initial(request, *args, **kwargs)
        if not readable_types(request.user):
            raise PermissionDeniedError

    def selection(self, request: Request, *others: str) -> Selection:
        """The filters in the query string, which has nothing beside them but `others`.

        Raises:
            ValidationError: `InvalidField`.
        """
        for name, values in request.query_params.lists():
            if name not in (*FILTERS, *others):
                invalid(name if is_storable(name) else ascii(name), "There is no such parameter.")
            if not all(map(is_storable, values)) or (name in others and len(values) > 1):
                invalid(name, "The parameter is given twice, or is no text.")
        return Selection.of(dict(request.query_params.lists()))

    def selected(self, request: Request, *others: str) -> "QuerySet[InformationEvent]":
        """The events that are asked for and that the user may read.

        Raises:
            ValidationError: `InvalidField`.
        """
        selection = self.selection(request, "search", *others)
        events = selection.among(readable_events(request.user))
        term = request.query_params.get("search")
        return events.filter(message__icontains=term) if term else events


class EventListView(EventView):
    """The events, newest first."""

    @extend_schema(
        operation_id="events_list",
        parameters=[*FILTER_PARAMETERS, _SEARCH, *_PAGES],
        responses=EventPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """The information events that you may read, newest first."""
        events = self.selected(request, "ordering", "limit", "offset")
        pages = Pages()
        found = pages.paginate_list(events.order_by(*_order(request)), request)
        return Response(pages.envelope([formats.as_dict(event) for event in found]))


class EventCountView(EventView):
    """How many events there are."""

    @extend_schema(
        operation_id="events_count", parameters=[*FILTER_PARAMETERS, _SEARCH], responses=EventCountSerializer
    )
    def get(self, request: Request) -> Response:
        """How many information events the filters let through."""
        return Response({"count": self.selected(request).count()})


class SingleEventView(EventView):
    """One event."""

    @extend_schema(operation_id="events_retrieve", responses=EventSerializer)
    def get(self, request: Request, key: str) -> Response:
        """One information event."""
        event = readable_events(request.user).filter(Q(event_id=as_id(key))).first() if as_id(key) else None
        if event is None:
            raise NotFoundError
        return Response(formats.as_dict(event))


class ExportView(EventView):
    """All events that the filters let through, oldest first, as a file."""

    def export(self, request: Request, kind: str) -> StreamingHttpResponse:
        """The file."""
        return exports.export(self.selected(request), kind, str(request.user.get_username()))


class CsvView(ExportView):
    """For spreadsheets."""

    @extend_schema(
        operation_id="events_export_csv",
        parameters=[*FILTER_PARAMETERS, _SEARCH],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The information events that the filters let through, oldest first, as CSV."""
        return self.export(request, "csv")


class JsonLinesView(ExportView):
    """For programs."""

    @extend_schema(
        operation_id="events_export_jsonl",
        parameters=[*FILTER_PARAMETERS, _SEARCH],
        responses={(200, "application/jsonl"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The information events that the filters let through, oldest first, as lines of JSON."""
        return self.export(request, "jsonl")


def _order(request: Request) -> list[str]:
    names = request.query_params.get("ordering")
    return [*map(_column, names.split(",")), "-number"] if names is not None else ["-number"]


def _column(name: str) -> str:
    column = _ORDER.get(name.removeprefix("-"))
    return f"-{column}" if column and name.startswith("-") else column or _unknown_order()


def _unknown_order() -> NoReturn:
    invalid("ordering", "The list cannot be ordered by this.")
