"""Recording changes of objects: each event is written in the transaction of its change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from access.policy import MIRROR, RUN
from automation.build_ends import build_ended
from automation.models import AutomationScript, Credential, CredentialGrant
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent, ObjectType, Verb
from objects.authorship import SYSTEM, AuthoredModel
from objects.changes import added_together, announced, bodies_read, health_changed
from objects.field_changes import FieldChange, as_json
from objects.managers import UnrecordedChangeError
from tokens.models import ApiToken

_MIRRORS = UUID("6f1f6a52-5f0c-4c56-8a52-3f6f7f0f7d6e")
"""The mirror of a kind of objects is no row: its id is derived from this one and its name."""


@receiver(post_save, sender=ApiDefinition)
@receiver(post_save, sender=ApiToken)
@receiver(post_save, sender=AutomationScript)
@receiver(post_save, sender=Credential)
def record_save(instance: AuthoredModel, created: bool, using: str, **kwargs: object) -> None:
    event = new_event(
        _subject(instance), Verb.ADDED if created else Verb.UPDATED, instance.acting, shown_name(instance.acting)
    )
    if isinstance(instance, AutomationScript) and instance.version_change:
        event.message += f": {instance.version_change}"
    event.changes = as_json(instance.changes) or None
    event.save(using=using)


@receiver(added_together, sender=ApiDefinition)
@receiver(added_together, sender=ApiToken)
@receiver(added_together, sender=AutomationScript)
@receiver(added_together, sender=Credential)
def record_additions(instances: Sequence[AuthoredModel], using: str, **kwargs: object) -> None:
    users = {by: shown_name(by) for by in {instance.acting for instance in instances}}
    events = [new_event(_subject(each), Verb.ADDED, each.acting, users[each.acting]) for each in instances]
    InformationEvent._base_manager.using(using).bulk_create(events)


@receiver(post_delete, sender=ApiDefinition)
@receiver(post_delete, sender=ApiToken)
@receiver(post_delete, sender=AutomationScript)
@receiver(post_delete, sender=Credential)
def record_delete(instance: AuthoredModel, using: str, **kwargs: object) -> None:
    _record(instance, Verb.DELETED, instance.acting, using)


@receiver(post_save, sender=AllowedToken)
def record_allowed(instance: AllowedToken, using: str, **kwargs: object) -> None:
    """A token that a shell allows updates the definition. `save_definition` sends no such signal."""
    change = FieldChange("allowed_tokens", [], [instance.token_id])
    _record(instance.definition, Verb.UPDATED, SYSTEM, using, change)


@receiver(post_delete, sender=AllowedToken)
def record_no_longer_allowed(instance: AllowedToken, using: str, origin: object, **kwargs: object) -> None:
    """Likewise, unless the definition is deleted with it: that has an event of its own."""
    if AllowedToken in (type(origin), getattr(origin, "model", None)):
        change = FieldChange("allowed_tokens", [instance.token_id], [])
        _record(instance.definition, Verb.UPDATED, SYSTEM, using, change)


@receiver(post_save, sender=CredentialGrant)
def record_grant(instance: CredentialGrant, using: str, **kwargs: object) -> None:
    """A grant that a shell adds updates the credential. `save_credential` sends no such signal."""
    change = FieldChange("allowed_scripts", [], [instance.script_id])
    _record(instance.credential, Verb.UPDATED, SYSTEM, using, change)


@receiver(post_delete, sender=CredentialGrant)
def record_withdrawal(instance: CredentialGrant, using: str, origin: object, **kwargs: object) -> None:
    """Likewise, unless the grant goes with its credential or its script: they have events of their own."""
    if CredentialGrant in (type(origin), getattr(origin, "model", None)):
        change = FieldChange("allowed_scripts", [instance.script_id], [])
        _record(instance.credential, Verb.UPDATED, SYSTEM, using, change)


@receiver(health_changed, sender=ApiDefinition)
def record_health(instance: ApiDefinition, verb: str, text: str, **kwargs: object) -> None:
    """The runs of an API begin or cease to fail."""
    subject = _subject(instance)
    event = new_event(subject, Verb(verb), SYSTEM, SYSTEM)
    event.message = f"{subject.object_type} {subject.described} ({subject.object_id}) {text}"
    event.save()


@receiver(build_ended, sender=AutomationScript)
def record_build(instance: AutomationScript, text: str, by: str, **kwargs: object) -> None:
    """A version of a script is ready to run, or could not be built. The user is the one who has saved it."""
    subject = _subject(instance)
    event = new_event(subject, Verb.UPDATED, by, shown_name(by))
    event.message = f"{subject.object_type} {subject.described} ({subject.object_id}): {text}"
    event.save()


@receiver(announced, sender=MIRROR)
def record_repair(name: str, text: str, properties: dict[str, Any], **kwargs: object) -> None:
    """Drift of the mirror was repaired."""
    subject = Subject(ObjectType.MIRROR.value, uuid5(_MIRRORS, name), f"'{name}'", properties)
    event = new_event(subject, Verb.UPDATED, SYSTEM, SYSTEM)
    event.message += f" to repair it: {text}"
    event.save()


@receiver(bodies_read, sender=RUN)
def record_look(run_id: UUID, by: str, **kwargs: object) -> None:
    """Somebody has read the request and the response that a run keeps."""
    event = new_event(Subject(ObjectType.RUN.value, run_id, "", {}), Verb.READ, by, shown_name(by))
    event.message = f"Run {run_id} bodies were read by {event.user}"
    event.save()


@receiver(pre_save, sender=InformationEvent)
def refuse_to_change(instance: InformationEvent, using: str, **kwargs: object) -> None:
    """Keep stored events as they are, also when a fixture has another one of the same number.

    Raises:
        UnrecordedChangeError
    """
    stored = InformationEvent.objects.using(using).filter(pk=instance.pk)
    if not instance._state.adding or (instance.pk is not None and stored.exists()):
        raise UnrecordedChangeError("An event cannot be changed.")


def _record(instance: AuthoredModel, verb: Verb, by: str, using: str, *changes: FieldChange) -> None:
    event = new_event(_subject(instance), verb, by, shown_name(by))
    event.changes = as_json(changes) or None
    event.save(using=using)


@dataclass(frozen=True)
class Subject:
    """The object that an event is about. `described` is how its message names the object."""

    object_type: str
    object_id: UUID
    described: str
    properties: dict[str, Any]


def new_event(subject: Subject, verb: Verb, by: str, user: str) -> InformationEvent:
    """An unsaved event for a change of `subject` by the user named `by`, shown as `user`."""
    return InformationEvent(
        user=user,
        user_name=by,
        verb=verb,
        object_type=subject.object_type,
        object_id=subject.object_id,
        message=f"{subject.object_type} {subject.described} ({subject.object_id}) was {verb.value} by {user}",
        properties=subject.properties,
    )


def _subject(instance: AuthoredModel) -> Subject:
    object_type, key = type(instance).__name__, instance.pk
    match instance:
        case ApiDefinition(name=name, route=route, action_type=action_type):
            properties = {"name": name, "route": route, "actionType": str(action_type)}
            return Subject(object_type, key, f"with route '{route}'", properties)
        case ApiToken(name=name, is_disabled=is_disabled):
            return Subject(object_type, key, f"'{name}'", {"name": name, "isDisabled": is_disabled})
        case AutomationScript(name=name) | Credential(name=name):
            return Subject(object_type, key, f"'{name}'", {"name": name})
    raise TypeError(f"{type(instance)} leaves no events")


def shown_name(user_name: str) -> str:
    """The full name of a user; without one, the user name."""
    if user_name == SYSTEM:
        return user_name
    users = get_user_model()._default_manager.filter(username=user_name)
    first_and_last = users.values_list("first_name", "last_name").first() or ("", "")
    return " ".join(first_and_last).strip() or user_name
