"""Changes: the events of one object, newest first, whoever made them and by whatever interface."""

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from console.event_words import words_for
from console.events import verb_badge
from console.named_rows import NamedRows
from events.models import InformationEvent
from events.user_changes import person_id
from events.visibility import readable_types

PER_PAGE: Final = 50


class ChangesPages(NamedRows):
    """The page of the changes of an object."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The events of the object.

        Raises:
            PermissionDenied: the user may not view the object, or the events of its type.
            Http404: there is no such object.
        """
        if not (self.has_view_permission(request) and self.sees_changes(request)):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        events = InformationEvent.objects.filter(object_type=type(obj).__name__, object_id=_event_id(obj))
        page = Paginator(events.order_by("-number"), PER_PAGE).get_page(request.GET.get("p"))
        words = words_for(list(page.object_list), request.user)
        rows = [(event, verb_badge(event), words.what(event)) for event in page.object_list]
        all_events = f"{reverse('admin:events_informationevent_changelist')}?object={_event_id(obj)}"
        further = {
            "title": _("Changes"),
            "rows": rows,
            "page": page,
            "events_page": all_events if readable_types(request.user) else "",
        }
        context = self.object_context(request, obj, **further | (extra_context or {}))
        return TemplateResponse(request, "admin/object_history.html", context)

    def sees_changes(self, request: HttpRequest) -> bool:
        return self.model.__name__ in readable_types(request.user)


def _event_id(obj: Any) -> UUID:
    key: UUID = person_id(type(obj).__name__, obj.pk) if isinstance(obj, User | Group) else obj.pk
    return key
