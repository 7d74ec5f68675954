"""Recording events, in the transaction of the change that they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from access.policy import MIRROR
from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent, ObjectType, Verb
from objects.announcements import added_together, announced
from objects.authorship import SYSTEM, AuthoredModel
from objects.managers import UnrecordedChangeError
from tokens.models import ApiToken

_MIRRORS = UUID("6f1f6a52-5f0c-4c56-8a52-3f6f7f0f7d6e")
"""The mirror of a kind of objects is no object: its id is made of this and its name."""


@receiver(post_save, sender=ApiDefinition)
@receiver(post_save, sender=ApiToken)
@receiver(post_save, sender=AutomationScript)
def record_save(instance: AuthoredModel, created: bool, using: str, **kwargs: object) -> None:
    """One event for the object that was added or updated."""
    _record(instance, Verb.ADDED if created else Verb.UPDATED, instance.acting, using)


@receiver(added_together, sender=ApiDefinition)
@receiver(added_together, sender=ApiToken)
@receiver(added_together, sender=AutomationScript)
def record_additions(instances: Sequence[AuthoredModel], using: str, **kwargs: object) -> None:
    """One event for each object that was added."""
    users = {by: shown_name(by) for by in {instance.acting for instance in instances}}
    events = [_event(instance, Verb.ADDED, instance.acting, users[instance.acting]) for instance in instances]
    InformationEvent._base_manager.using(using).bulk_create(events)


@receiver(post_delete, sender=ApiDefinition)
@receiver(post_delete, sender=ApiToken)
@receiver(post_delete, sender=AutomationScript)
def record_delete(instance: AuthoredModel, using: str, **kwargs: object) -> None:
    """One event for the object that was deleted."""
    _record(instance, Verb.DELETED, instance.acting, using)


@receiver(post_save, sender=AllowedToken)
def record_allowed(instance: AllowedToken, using: str, **kwargs: object) -> None:
    """A token allowed in a shell updates the definition; `save_definition` sends no such signal."""
    _record(instance.definition, Verb.UPDATED, SYSTEM, using)


@receiver(post_delete, sender=AllowedToken)
def record_no_longer_allowed(instance: AllowedToken, using: str, origin: object, **kwargs: object) -> None:
    """Likewise; what goes together with its definition is part of that event."""
    if AllowedToken in (type(origin), getattr(origin, "model", None)):
        _record(instance.definition, Verb.UPDATED, SYSTEM, using)


@receiver(announced, sender=MIRROR)
def record_repair(name: str, text: str, properties: dict[str, Any], **kwargs: object) -> None:
    """The mirror had drifted from the database and was set right."""
    object_id = uuid5(_MIRRORS, name)
    InformationEvent(
        user=SYSTEM,
        user_name=SYSTEM,
        verb=Verb.UPDATED,
        object_type=ObjectType.MIRROR,
        object_id=object_id,
        message=f"{ObjectType.MIRROR.value} '{name}' ({object_id}) was updated by {SYSTEM} to repair it: {text}",
        properties=properties,
    ).save()


@receiver(pre_save, sender=InformationEvent)
def refuse_to_change(instance: InformationEvent, using: str, **kwargs: object) -> None:
    """An event that is there stays as it is, also when a fixture brings another of its number.

    Raises:
        UnrecordedChangeError: it is there already.
    """
    stored = InformationEvent.objects.using(using).filter(pk=instance.pk)
    if not instance._state.adding or (instance.pk is not None and stored.exists()):
        raise UnrecordedChangeError("An event cannot be changed.")


def _record(instance: AuthoredModel, verb: Verb, by: str, using: str) -> None:
    _event(instance, verb, by, shown_name(by)).save(using=using)


def _event(instance: AuthoredModel, verb: Verb, by: str, user: str) -> InformationEvent:
    properties, described = _describe(instance)
    return new_event(Subject(type(instance).__name__, instance.pk, described, properties), verb, by, user)


@dataclass(frozen=True)
class Subject:
    """The object that an event is about."""

    object_type: str
    object_id: UUID
    described: str
    properties: dict[str, Any]


def new_event(subject: Subject, verb: Verb, by: str, user: str) -> InformationEvent:
    """An unsaved event: the user named `by`, shown as `user`, has changed `subject`."""
    return InformationEvent(
        user=user,
        user_name=by,
        verb=verb,
        object_type=subject.object_type,
        object_id=subject.object_id,
        message=f"{subject.object_type} {subject.described} ({subject.object_id}) was {verb.value} by {user}",
        properties=subject.properties,
    )


def _describe(instance: AuthoredModel) -> tuple[dict[str, Any], str]:
    match instance:
        case ApiDefinition(name=name, route=route, action_type=action_type):
            return {"name": name, "route": route, "actionType": str(action_type)}, f"with route '{route}'"
        case ApiToken(name=name, is_disabled=is_disabled):
            return {"name": name, "isDisabled": is_disabled}, f"'{name}'"
        case AutomationScript(name=name):
            return {"name": name}, f"'{name}'"
    raise TypeError(f"{type(instance)} leaves no events")


def shown_name(user_name: str) -> str:
    """The full name of a user, else the user name."""
    if user_name == SYSTEM:
        return user_name
    users = get_user_model()._default_manager.filter(username=user_name)
    first_and_last = users.values_list("first_name", "last_name").first() or ("", "")
    return " ".join(first_and_last).strip() or user_name
