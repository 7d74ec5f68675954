"""Recording changes of users, groups and personal keys. Only superusers may read these events.

These models belong to Django and to a library, so changes are known from signals only. `objects.actor` says who acts,
and the stored row, read right before a save, says what the save changes. One change can send several signals (for a
user, their groups, their flags) and leaves one event.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

from django.contrib.auth.models import Group, User
from django.db import connections, transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver

from events.models import InformationEvent, ObjectType, Verb
from events.recorder import Subject, new_event, shown_name
from foundation.logs import AUDIT_LOGGER
from keys.models import PersonalKey
from objects import actor
from objects.field_changes import FieldChange, as_json

_IDS: Final = UUID("0e0f6a3e-3c1d-4a51-9d5a-b3a4c70d8f11")
"""Users and groups have numbers; their ids in events are derived from this one, their kind and number."""

_NOT_RECORDED: Final = frozenset({"last_login"})
_HIDDEN: Final = frozenset({"password"})
_CHANGED: Final = "_changed_fields"
"""The attribute in which a user or group keeps, between the two signals of a save, what the save changes."""

_FLAGS: Final = {
    User.user_permissions.through: ("user_permissions", "user_set"),
    User.groups.through: ("groups", "user_set"),
    Group.permissions.through: ("permissions", "group_set"),
}
"""By model of the link: the attribute of the owner of flags, and the attribute of the other side."""

_log = logging.getLogger(AUDIT_LOGGER)


@dataclass
class _Change:
    """One change of an object. Called after the commit, it writes the line of the log."""

    object_id: UUID
    message: str
    during: actor.Acting | None
    is_of_flags: bool
    event_number: int
    changes: list[FieldChange] = field(default_factory=list)

    def __call__(self) -> None:
        fields = dict.fromkeys(change.field for change in self.changes)
        what = f" ({', '.join(fields)})" if fields else ""
        _log.info("%s%s", self.message, what)

    def add(self, changes: Sequence[FieldChange], using: str) -> None:
        """Add changes to the event, which nobody has seen yet: it is not committed."""
        for change in changes:
            present = next((each for each in self.changes if each.field == change.field), None)
            self.changes = [each for each in self.changes if each is not present]
            merged = change if present is None else _merged(present, change)
            self.changes += [] if merged is None else [merged]
        events = InformationEvent._base_manager.using(using).filter(pk=self.event_number)
        events.update(changes=as_json(self.changes) or None)

    def covers(self, object_id: UUID, is_of_flags: bool) -> bool:
        """Whether a further signal about the object belongs to this change."""
        during = actor.present()
        is_same = self.during is during if during is not None else self.is_of_flags and is_of_flags
        return self.object_id == object_id and is_same


@receiver(pre_save, sender=User)
@receiver(pre_save, sender=Group)
def note_changes(instance: Model, using: str, update_fields: Iterable[str] | None, **kwargs: object) -> None:
    setattr(instance, _CHANGED, _field_changes(instance, using, update_fields))


@receiver(post_save, sender=User)
@receiver(post_save, sender=Group)
@receiver(post_save, sender=PersonalKey)
def record_save(instance: Model, created: bool, using: str, **kwargs: object) -> None:
    changed: Sequence[FieldChange] = instance.__dict__.pop(_CHANGED, ())
    if created:
        _record(instance, Verb.ADDED, using)
    elif changed:
        _record(instance, Verb.UPDATED, using, changed)


@receiver(post_delete, sender=User)
@receiver(post_delete, sender=Group)
@receiver(post_delete, sender=PersonalKey)
def record_delete(instance: Model, using: str, **kwargs: object) -> None:
    _record(instance, Verb.DELETED, using)


@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def record_flags(
    sender: Any, instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, using: str, **kwargs: object
) -> None:
    """One event for each user or group that gains or loses a flag or a group."""
    name, reverse_name = _FLAGS[sender]
    others = getattr(instance, reverse_name if reverse else name)
    if action in ("post_add", "pre_remove"):
        linked = others.filter(pk__in=pk_set)
    elif action == "pre_clear":
        linked = others.all()
    else:
        return
    moved = [instance.name] if reverse else list(linked.values_list("name", flat=True))
    change = FieldChange(name, [], moved) if action == "post_add" else FieldChange(name, moved, [])
    for owner in linked if reverse else [instance] if moved else []:
        _record(owner, Verb.UPDATED, using, [change], is_of_flags=True)


def _merged(first: FieldChange, second: FieldChange) -> FieldChange | None:
    """Two changes of one field as one; of a set, what is added and removed again is neither."""
    if not isinstance(first.before, list):
        return FieldChange(first.field, first.before, second.after)
    before = {*first.before, *(each for each in second.before if each not in first.after)}
    after = {*(each for each in first.after if each not in second.before), *second.after}
    return FieldChange.of_set(first.field, before, after)


def _field_changes(instance: Model, using: str, update_fields: Iterable[str] | None) -> list[FieldChange]:
    names = {one.name for one in instance._meta.concrete_fields} - _NOT_RECORDED
    saved = names if update_fields is None else names & set(update_fields)
    # At a log-in, Django may save the same password under a newer hash: nobody has called `set_password`.
    is_rehash = saved == {"password"} and getattr(instance, "_password", None) is None
    if is_rehash or not saved or instance.pk is None:
        return []
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk).first()
    if stored is None:
        return []
    values = {name: (getattr(stored, name), getattr(instance, name)) for name in sorted(saved)}
    changed = {name: both for name, both in values.items() if both[0] != both[1]}
    return [FieldChange(name, *(() if name in _HIDDEN else both)) for name, both in changed.items()]


def _record(
    instance: Model, verb: Verb, using: str, changes: Sequence[FieldChange] = (), *, is_of_flags: bool = False
) -> None:
    subject = _subject(instance)
    before = _present_change(subject.object_id, is_of_flags, using) if verb is not Verb.DELETED else None
    if before is not None:
        before.add(changes, using)
        return
    by = actor.who()
    event = new_event(subject, verb, by, shown_name(by))
    with transaction.atomic(using=using, savepoint=False):
        event.changes = as_json(changes) or None
        event.save(using=using)
        if not isinstance(instance, PersonalKey):
            change = _Change(subject.object_id, event.message, actor.present(), is_of_flags, event.pk, list(changes))
            transaction.on_commit(change, using=using)


def _present_change(object_id: UUID, is_of_flags: bool, using: str) -> _Change | None:
    """The change that already has an event in this transaction; Django forgets it if its savepoint is rolled back."""
    connection: Any = connections[using]
    savepoints = set(connection.savepoint_ids) - {None}
    for made_in, change, _ in connection.run_on_commit:
        if isinstance(change, _Change) and made_in - {None} == savepoints and change.covers(object_id, is_of_flags):
            return change
    return None


def person_id(kind: str, number: int) -> UUID:
    """The id that a `User` or `Group` has in events."""
    return uuid5(_IDS, f"{kind.lower()} {number}")


def _subject(instance: Any) -> Subject:
    match instance:
        case User(username=name) | Group(name=name):
            kind = type(instance).__name__
            return Subject(kind, person_id(kind, instance.pk), f"'{name}'", {"name": name})
        case PersonalKey(name=name):
            described = f"'{name}' of '{instance.user.get_username()}'"
            return Subject(ObjectType.PERSONAL_KEY.value, instance.pk, described, {"name": name})
    raise TypeError(f"{type(instance)} leaves no events")
