"""`events/stream/`: new events as server-sent events."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from events import stream_slots
from events.hub import EndingError
from events.stream import LiveStream
from events.visibility import Credential, Reader
from keys.models import PersonalKey
from management.errors import UnavailableError
from management.events import FILTER_PARAMETERS, EventView
from management.openapi import Operation
from objects.serializers import invalid_field
from web import threads
from web.database import RETRY_AFTER_SECONDS

_LARGEST_POSITION = 2**63 - 1
_LAST_EVENT_ID: Final = "lastEventId"
_POSITION: Final = {"type": "integer", "minimum": 0, "maximum": _LARGEST_POSITION}
_PARAMETERS: Final = [
    *FILTER_PARAMETERS,
    OpenApiParameter("Last-Event-ID", _POSITION, OpenApiParameter.HEADER, description="The last id received."),
    OpenApiParameter(_LAST_EVENT_ID, _POSITION, description="For clients that cannot set the header."),
]

_slots = threading.BoundedSemaphore(threads.for_streams())


@dataclass(frozen=True)
class KeyCredential:
    digest: str

    def holds(self, user: AbstractBaseUser) -> bool:
        """Whether the key still exists and has not expired."""
        return bool(PersonalKey.objects.filter(digest=self.digest, user=user, expiry__gt=timezone.now()).exists())


@dataclass(frozen=True)
class PasswordCredential:
    session_hash: str

    def holds(self, user: AbstractBaseUser) -> bool:
        """Whether the user still has this password."""
        return bool(constant_time_compare(self.session_hash, user.get_session_auth_hash()))


@dataclass(frozen=True)
class SessionCredential:
    """A session of the console."""

    key: str
    password: PasswordCredential

    def holds(self, user: AbstractBaseUser) -> bool:
        """Whether the session still exists and the user still has the password."""
        store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return self.password.holds(user) and store(self.key).get(SESSION_KEY) == str(user.pk)


class StreamView(EventView):
    """The live stream. Each takes a stream slot of its user and one of the process; without both it is refused."""

    operations: ClassVar = {
        "get": Operation("events_stream", "Stream events", str, parameters=_PARAMETERS, media_type="text/event-stream")
    }

    def get(self, request: Request) -> StreamingHttpResponse:
        """The events that you may view, as they happen."""
        selection = self.selection(request, _LAST_EVENT_ID)
        after = _resume_after(request)
        reader = Reader(_user(request).pk, _credential(request))
        give_back = _take_slots(reader.user_id)
        try:
            stream = LiveStream(selection, reader, after, request.META.get("gunicorn.socket"), give_back)
        except EndingError as error:
            raise _no_room("The server is about to restart, try again.") from error
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)

    head = None


def _take_slots(user_id: int) -> Callable[[], None]:
    """Take a slot of the user and one of the process; the returned function gives both back."""
    give_back = stream_slots.take(user_id)
    if give_back is None:
        most = stream_slots.most_of_one_user()
        raise _no_room(f"You already have {most} live streams, the most for one user. Close one of them first.")
    if not _slots.acquire(blocking=False):
        give_back()
        raise _no_room("All slots for live streams are taken, try again later.")

    def give_back_both() -> None:
        _slots.release()
        give_back()

    return give_back_both


def _resume_after(request: Request) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.query_params.get(_LAST_EVENT_ID)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_POSITION):
        raise invalid_field("Last-Event-ID", "Not the id of an event of the live stream.")
    return int(text)


def _credential(request: Request) -> Credential:
    if isinstance(request.auth, PersonalKey):
        return KeyCredential(request.auth.digest)
    password = PasswordCredential(_user(request).get_session_auth_hash())
    session = getattr(request, "session", None)
    if "HTTP_AUTHORIZATION" in request.META or session is None or session.session_key is None:
        return password
    return SessionCredential(session.session_key, password)


def _user(request: Request) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)


def _no_room(detail: str) -> UnavailableError:
    return UnavailableError(detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
