"""The objects that events name, as far as they still exist and a user may view them: their names and their pages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import reverse

from access.policy import CREDENTIAL, DEFINITION, RUN, SCRIPT, TOKEN, AnyUser, allows, manages_people
from automation.models import AutomationScript, Credential
from definitions.models import ApiDefinition
from events.models import InformationEvent, ObjectType
from events.user_changes import person_id
from foundation.ids import parse_uuid
from runs.models import Run
from tokens.models import ApiToken

LINKED: Final[Mapping[str, str]] = {
    "allowed_tokens": ObjectType.API_TOKEN,
    "allowed_scripts": ObjectType.AUTOMATION_SCRIPT,
    "script": ObjectType.AUTOMATION_SCRIPT,
}
"""The fields whose values are ids of other objects, by the type of these."""


@dataclass(frozen=True)
class _EventKind:
    """Where the objects of a type are found; `page` is the name of the URL of one."""

    model: type[Model]
    label: str
    name: str
    page: str


_KINDS: Final[Mapping[str, _EventKind]] = {
    ObjectType.API_DEFINITION: _EventKind(ApiDefinition, DEFINITION, "route", "definitions_apidefinition_view"),
    ObjectType.API_TOKEN: _EventKind(ApiToken, TOKEN, "name", "tokens_apitoken_view"),
    ObjectType.AUTOMATION_SCRIPT: _EventKind(AutomationScript, SCRIPT, "name", "automation_automationscript_view"),
    ObjectType.CREDENTIAL: _EventKind(Credential, CREDENTIAL, "name", "automation_credential_view"),
    ObjectType.RUN: _EventKind(Run, RUN, "id", "run"),
}
_PEOPLE: Final[Mapping[str, tuple[type[Model], str, str]]] = {
    ObjectType.USER: (User, "username", "auth_user_change"),
    ObjectType.GROUP: (Group, "name", "auth_group_change"),
}


@dataclass(frozen=True)
class LinkedObject:
    """An object that exists: what it is called, and its page."""

    name: str
    page: str


@dataclass(frozen=True)
class EventNames:
    """Objects by type and id. A user sees those of `visible` types only."""

    known: Mapping[tuple[str, UUID], LinkedObject]
    visible: Collection[str]

    @classmethod
    def of(cls, events: Collection[InformationEvent], user: AnyUser) -> "EventNames":
        """What these events name, in a number of queries that does not grow with them."""
        visible = {kind for kind, found in _KINDS.items() if allows(user, found.label, "view")}
        wanted = _wanted(events)
        known: dict[tuple[str, UUID], LinkedObject] = {}
        for kind in visible & wanted.keys():
            known |= _known(kind, wanted[kind])
        if manages_people(user):
            for kind in _PEOPLE:
                known |= _people(kind, [event for event in events if event.object_type == kind])
        return cls(known, visible)

    def get(self, object_type: str, object_id: UUID | None) -> LinkedObject | None:
        return None if object_id is None else self.known.get((object_type, object_id))


def visible_objects(ids: Collection[UUID], user: AnyUser) -> Mapping[UUID, LinkedObject]:
    """The APIs, tokens and scripts with these ids that `user` may view."""
    kinds = (ObjectType.API_DEFINITION, ObjectType.API_TOKEN, ObjectType.AUTOMATION_SCRIPT)
    visible = [kind for kind in kinds if ids and allows(user, _KINDS[kind].label, "view")]
    return {key: found for kind in visible for (_kind, key), found in _known(kind, ids).items()}


def _wanted(events: Iterable[InformationEvent]) -> Mapping[str, set[UUID]]:
    """The ids that events name, by type."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for event in events:
        wanted[event.object_type].add(event.object_id)
        for change in event.changes or ():
            if (kind := LINKED.get(change["field"])) is not None:
                wanted[kind] |= set(ids_in(change["before"])) | set(ids_in(change["after"]))
    return wanted


def ids_in(value: Any) -> list[UUID]:
    """The ids in the value of a field that refers to other objects."""
    found = [parse_uuid(str(each)) for each in (value if isinstance(value, list) else [value])]
    return [each for each in found if each is not None]


def _known(kind: str, ids: Collection[UUID]) -> dict[tuple[str, UUID], LinkedObject]:
    found = _KINDS[kind]
    rows: Any = found.model._base_manager.filter(pk__in=ids).values_list("pk", found.name)
    return {(kind, pk): LinkedObject(str(name), reverse(f"admin:{found.page}", args=[pk])) for pk, name in rows}


def _people(kind: str, events: Collection[InformationEvent]) -> dict[tuple[str, UUID], LinkedObject]:
    """Users or groups, which are found by their names: their ids in events are derived."""
    model, column, page = _PEOPLE[kind]
    names = {event.properties.get("name") for event in events}
    rows: Any = model._base_manager.filter(**{f"{column}__in": names}) if names else ()
    return {
        (kind, person_id(kind, row.pk)): LinkedObject(str(row), reverse(f"admin:{page}", args=[row.pk])) for row in rows
    }
