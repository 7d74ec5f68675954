"""Whose events a user may read: those of the objects that they may view."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from access.policy import DEFINITION, MIRROR, SCRIPT, TOKEN, AnyUser, labels_allowing, manages_people
from events.models import InformationEvent, ObjectType

_TYPES: Final[Mapping[str, str]] = {
    DEFINITION: ObjectType.API_DEFINITION.value,
    TOKEN: ObjectType.API_TOKEN.value,
    SCRIPT: ObjectType.AUTOMATION_SCRIPT.value,
    MIRROR: ObjectType.MIRROR.value,
}
_OF_PEOPLE: Final = frozenset({ObjectType.USER.value, ObjectType.GROUP.value, ObjectType.PERSONAL_KEY.value})


def readable_types(user: AnyUser) -> frozenset[str]:
    """The object types whose events `user` may read; a user without any is refused."""
    readable = frozenset(_TYPES[label] for label in labels_allowing(user, "view_events"))
    return readable | _OF_PEOPLE if manages_people(user) else readable


def readable_events(user: AnyUser) -> "QuerySet[InformationEvent]":
    return InformationEvent.objects.filter(object_type__in=readable_types(user))


class Credential(Protocol):
    """What a reader of the live stream has logged in with. Equal credentials are checked once for all readers."""

    def __hash__(self) -> int: ...

    def holds(self, user: AbstractBaseUser) -> bool:
        """Whether it still lets `user` in."""


@dataclass(frozen=True)
class Reader:
    """A reader of the live stream, whose rights are checked again whenever something is sent."""

    user_id: int
    credential: Credential

    def readable(self) -> frozenset[str]:
        """The object types whose events they may read now; empty if they are no longer logged in."""
        user = get_user_model()._default_manager.filter(pk=self.user_id).first()
        if user is None or not self.credential.holds(user):
            return frozenset()
        return readable_types(user)
