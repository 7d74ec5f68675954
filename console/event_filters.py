"""The filters of the page of events: what, whose, by whom, and when."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from console.charts.ranges import moment_in
from console.lists import ChoiceFilter, CreatedFilter, TextFilter, choice_filter
from events.models import InformationEvent, ObjectType, Verb
from events.visibility import readable_types
from foundation.ids import parse_uuid
from foundation.texts import is_storable

Events = QuerySet[InformationEvent]


class ObjectTypeFilter(ChoiceFilter):
    """Offers only the types whose events the user may view."""

    title = _("object type")
    parameter_name = "object_type"
    options: ClassVar = {kind.value: (kind.label, Q(object_type=kind.value)) for kind in ObjectType}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        readable = readable_types(request.user)
        return [(value, label) for value, label in super().lookups(request, model_admin) if value in readable]


class EventObjectFilter(TextFilter):
    """Objects by their id, or by a part of the name or route that they had after the change."""

    title = _("object")
    parameter_name = "object"

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        text = (self.value() or "").strip()
        if not text:
            return queryset
        if not is_storable(text):
            return queryset.none()
        if (wanted := parse_uuid(text)) is not None:
            return queryset.filter(object_id=wanted)
        return queryset.filter(Q(properties__name__icontains=text) | Q(properties__route__icontains=text))


class UserFilter(TextFilter):
    """Users by a part of their full name or user name."""

    title = _("user")
    parameter_name = "user"
    looks_at = ("user", "user_name")


class RangeFilter(CreatedFilter):
    """Events of a span of time that ends now."""

    title = _("time")
    parameter_name = "range"
    column = "time"
    options: ClassVar = {
        "1h": (_("the last hour"), timedelta(hours=1)),
        "24h": (_("the last 24 hours"), timedelta(days=1)),
        "7d": (_("the last 7 days"), timedelta(days=7)),
        "30d": (_("the last 30 days"), timedelta(days=30)),
    }


class FromFilter(TextFilter):
    """Events since a time in ISO 8601 or a date, UTC unless it says otherwise. What is no time is ignored."""

    title = _("from (UTC)")
    parameter_name = "from"
    comparison = "time__gte"
    is_end = False

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        moment = self._moment()
        return queryset if moment is None else queryset.filter(**{self.comparison: moment})

    def _moment(self) -> datetime | None:
        try:
            return moment_in((self.value() or "").strip(), is_end=self.is_end)
        except (ValueError, OverflowError):
            return None


class UntilFilter(FromFilter):
    """Events before a time; of a date, that day is included."""

    title = _("to (UTC)")
    parameter_name = "to"
    comparison = "time__lt"
    is_end = True


FILTERS = (
    ObjectTypeFilter,
    choice_filter("verb", _("action"), {verb.value: (verb.label, Q(verb=verb)) for verb in Verb}),
    EventObjectFilter,
    UserFilter,
    RangeFilter,
    FromFilter,
    UntilFilter,
)
