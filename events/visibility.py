"""Whose events a user may read: those of the objects that they may view."""

from collections.abc import Mapping
from typing import Final

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
    """The object types whose events `user` may read; none at all is a refusal."""
    readable = frozenset(_TYPES[label] for label in labels_allowing(user, "view_events"))
    return readable | _OF_PEOPLE if manages_people(user) else readable


def readable_events(user: AnyUser) -> "QuerySet[InformationEvent]":
    """The events that `user` may read."""
    return InformationEvent.objects.filter(object_type__in=readable_types(user))
