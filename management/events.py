"""`events/`: the stored information events, and new ones as server-sent events."""

from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from events import exports
from events.hub import EndingError
from events.models import InformationEvent
from events.selection import FILTERS, Selection
from events.serializers import EventSerializer, as_dict
from events.stream import LiveStream, NoSlotError
from events.visibility import Reader, readable_events, readable_types
from management.errors import NotFoundError, PermissionDeniedError, UnavailableError
from management.lists import PAGE_NAMES, PAGE_PARAMETERS, only, page
from management.openapi import CountSerializer, Operation, ordering_parameter, page_of
from management.views import ManagementView
from objects.filters import order_columns
from objects.serializers import as_id, invalid_field
from web.database import RETRY_AFTER_SECONDS

_ORDER: Final = {
    name: str(EventSerializer().fields[name].source)
    for name in ("id", "time", "user", "verb", "objectType", "objectId")
}
_SELECTING: Final = [
    OpenApiParameter(name, dict(field.schema), description=field.help_text or "") for name, field in FILTERS.items()
]
_FILTERS: Final = [*_SELECTING, OpenApiParameter("search", str, description="Part of the message.")]
_PAGES: Final = [ordering_parameter(_ORDER), *PAGE_PARAMETERS]

_LARGEST_POSITION = 2**63 - 1
_LAST_EVENT_ID: Final = "lastEventId"
_POSITION: Final = {"type": "integer", "minimum": 0, "maximum": _LARGEST_POSITION}
_STREAMING: Final = [
    *_SELECTING,
    OpenApiParameter("Last-Event-ID", _POSITION, OpenApiParameter.HEADER, description="The last id received."),
    OpenApiParameter(_LAST_EVENT_ID, _POSITION, description="For clients that cannot set the header."),
]


class EventViewSet(ViewSetMixin, ManagementView):
    """The events, of which a user sees those of the types that they may view; without any such type, none."""

    needs = None
    http_method_names = ["get", "head"]
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
        "stream": Operation(
            "events_stream", "Stream events", str, parameters=_STREAMING, media_type="text/event-stream"
        ),
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate.

        Raises:
            PermissionDeniedError: the user may view no type of object that has events.
        """
        super().initial(request, *args, **kwargs)
        if not readable_types(request.user):
            raise PermissionDeniedError

    def list(self, request: Request) -> Response:
        """Newest first, unless ordered otherwise."""
        events = self._selected(request, "ordering", *PAGE_NAMES)
        order = request.query_params.get("ordering")
        columns = [] if order is None else order_columns(order, _ORDER)
        return Response(page(events.order_by(*columns, "-number"), request, EventSerializer))

    def count(self, request: Request) -> Response:
        return Response({"count": self._selected(request).count()})

    def retrieve(self, request: Request, key: str) -> Response:
        event_id = as_id(key)
        event = event_id and readable_events(request.user).filter(event_id=event_id).first()
        if not event:
            raise NotFoundError
        return Response(as_dict(event))

    def csv(self, request: Request) -> StreamingHttpResponse:
        """All events that match, oldest first."""
        return self._export("csv")

    def jsonl(self, request: Request) -> StreamingHttpResponse:
        """All events that match, oldest first."""
        return self._export("jsonl")

    def stream(self, request: Request) -> StreamingHttpResponse:
        """The events that you may view, as they happen."""
        selection = self._selection(_LAST_EVENT_ID)
        connection = request.META.get("gunicorn.socket")
        try:
            stream = LiveStream(selection, Reader.of(request), _resume_after(request), connection)
        except (NoSlotError, EndingError) as error:
            raise UnavailableError(str(error), headers={"Retry-After": str(RETRY_AFTER_SECONDS)}) from error
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)

    def _export(self, format_: str) -> StreamingHttpResponse:
        return exports.export(self._selected(self.request), format_, self.user_name)

    def _selected(self, request: Request, *others: str) -> "QuerySet[InformationEvent]":
        events = self._selection("search", *others).among(readable_events(request.user))
        term = request.query_params.get("search")
        return events.filter(message__icontains=term) if term else events

    def _selection(self, *others: str) -> Selection:
        """The filters in the query string, which may only have these, `others` once at most.

        Raises:
            ValidationError: `InvalidField`.
        """
        only(self.request, others, repeatable=FILTERS)
        return Selection.of(dict(self.request.query_params.lists()))


def _resume_after(request: Request) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.query_params.get(_LAST_EVENT_ID)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_POSITION):
        raise invalid_field("Last-Event-ID", "Not an event id of the live stream.")
    return int(text)
