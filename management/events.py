"""`events/`: the stored information events."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from events import exports, formats
from events.models import InformationEvent, ObjectType, Verb
from events.selection import FILTERS, Selection
from events.visibility import readable_events, readable_types
from foundation.texts import is_storable
from management.errors import NotFoundError, PermissionDeniedError
from management.openapi import CountSerializer, Operation, ordering_parameter
from management.pagination import PAGE_NAMES, PAGE_PARAMETERS, Pages, page_of
from management.views import ManagementView
from objects.filters import order_columns
from objects.serializers import as_id, invalid_field

_ORDER: Final[Mapping[str, str]] = {
    "id": "event_id",
    "time": "time",
    "user": "user",
    "verb": "verb",
    "objectType": "object_type",
    "objectId": "object_id",
}


class EventSerializer(serializers.Serializer[Any]):
    """An information event."""

    # Only describes what `events.formats` renders.

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
_FILTERS: Final = [*FILTER_PARAMETERS, OpenApiParameter("search", str, description="Part of the message.")]
_PAGES: Final = [ordering_parameter(_ORDER), *PAGE_PARAMETERS]


class EventView(ManagementView):
    """What the views of events have in common. A user who may view no objects may view no events."""

    needs = None
    http_method_names = ["get", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate.

        Raises:
            PermissionDeniedError: the user may view no type of object that has events.
        """
        super().initial(request, *args, **kwargs)
        if not readable_types(request.user):
            raise PermissionDeniedError

    def selection(self, request: Request, *others: str) -> Selection:
        """The filters in the query string, which may only have these, `others` once at most.

        Raises:
            ValidationError: `InvalidField`.
        """
        for name, values in request.query_params.lists():
            if name not in (*FILTERS, *others):
                raise invalid_field(name, "There is no such parameter.")
            if not all(map(is_storable, values)) or (name in others and len(values) > 1):
                raise invalid_field(name, "The parameter is repeated or contains characters that cannot be stored.")
        return Selection.of(dict(request.query_params.lists()))


class EventViewSet(ViewSetMixin, EventView):
    """The stored events, of which a user sees those of the types that they may view."""

    operations: ClassVar = {
        "list": Operation("events_list", "List events", page_of(EventSerializer), parameters=[*_FILTERS, *_PAGES]),
        "count": Operation("events_count", "Count events", CountSerializer, parameters=_FILTERS),
        "retrieve": Operation("events_retrieve", "Get an event", EventSerializer),
        "csv": Operation("events_export_csv", "Export events as CSV", str, parameters=_FILTERS, media_type="text/csv"),
        "jsonl": Operation(
            "events_export_jsonl",
            "Export events as JSON lines",
            str,
            parameters=_FILTERS,
            media_type="application/jsonl",
        ),
    }

    def list(self, request: Request) -> Response:
        """Newest first, unless ordered otherwise."""
        events = self._selected(request, "ordering", *PAGE_NAMES)
        order = request.query_params.get("ordering")
        columns = [] if order is None else order_columns(order, _ORDER)
        pages = Pages()
        found = pages.paginate_list(events.order_by(*columns, "-number"), request)
        return Response(pages.envelope([formats.as_dict(event) for event in found]))

    def count(self, request: Request) -> Response:
        return Response({"count": self._selected(request).count()})

    def retrieve(self, request: Request, key: str) -> Response:
        event = readable_events(request.user).filter(Q(event_id=as_id(key))).first() if as_id(key) else None
        if event is None:
            raise NotFoundError
        return Response(formats.as_dict(event))

    def csv(self, request: Request) -> StreamingHttpResponse:
        """All events that match, oldest first."""
        return self._export("csv")

    def jsonl(self, request: Request) -> StreamingHttpResponse:
        """All events that match, oldest first."""
        return self._export("jsonl")

    def _export(self, format_: str) -> StreamingHttpResponse:
        return exports.export(self._selected(self.request), format_, self.user_name)

    def _selected(self, request: Request, *others: str) -> "QuerySet[InformationEvent]":
        events = self.selection(request, "search", *others).among(readable_events(request.user))
        term = request.query_params.get("search")
        return events.filter(message__icontains=term) if term else events
