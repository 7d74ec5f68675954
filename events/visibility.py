"""Whose events a user may read: those of the objects that they may view."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Self, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request

from access.policy import CREDENTIAL, DEFINITION, MIRROR, RUN, SCRIPT, TOKEN, AnyUser, labels_allowing, manages_people
from events.models import InformationEvent, ObjectType
from keys.models import PersonalKey

_TYPES: Final[Mapping[str, str]] = {
    DEFINITION: ObjectType.API_DEFINITION.value,
    TOKEN: ObjectType.API_TOKEN.value,
    SCRIPT: ObjectType.AUTOMATION_SCRIPT.value,
    CREDENTIAL: ObjectType.CREDENTIAL.value,
    MIRROR: ObjectType.MIRROR.value,
    RUN: ObjectType.RUN.value,
}
_OF_PEOPLE: Final = frozenset({ObjectType.USER.value, ObjectType.GROUP.value, ObjectType.PERSONAL_KEY.value})


def readable_types(user: AnyUser) -> frozenset[str]:
    """The object types whose events `user` may read; a user without any is refused."""
    readable = frozenset(_TYPES[label] for label in labels_allowing(user, "view_events"))
    return readable | _OF_PEOPLE if manages_people(user) else readable


def readable_events(user: AnyUser) -> "QuerySet[InformationEvent]":
    return InformationEvent.objects.filter(object_type__in=readable_types(user))


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
class SessionCredential(PasswordCredential):
    """A session of the console."""

    key: str

    def holds(self, user: AbstractBaseUser) -> bool:
        """Whether the session still exists and the user still has the password."""
        store = import_module(settings.SESSION_ENGINE).SessionStore
        return super().holds(user) and store(self.key).get(SESSION_KEY) == str(user.pk)


@dataclass(frozen=True)
class Reader:
    """A reader of the live stream, whose rights are checked again whenever something is sent."""

    user_id: int
    credential: KeyCredential | PasswordCredential
    """What they have logged in with. Equal credentials are checked once for all readers."""

    @classmethod
    def of(cls, request: Request) -> Self:
        user = cast(AbstractBaseUser, request.user)
        if isinstance(request.auth, PersonalKey):
            return cls(user.pk, KeyCredential(request.auth.digest))
        password = user.get_session_auth_hash()
        session = getattr(request, "session", None)
        if "HTTP_AUTHORIZATION" in request.META or session is None or session.session_key is None:
            return cls(user.pk, PasswordCredential(password))
        return cls(user.pk, SessionCredential(password, session.session_key))

    def readable(self) -> frozenset[str]:
        """The object types whose events they may read now; empty if they are no longer logged in."""
        user = get_user_model()._default_manager.filter(pk=self.user_id).first()
        if user is None or not self.credential.holds(user):
            return frozenset()
        return readable_types(user)
