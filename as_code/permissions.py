"""Who imports or exports, and what the policy lets them do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError

from access.flags import flags
from access.policy import POLICY, Action, allows
from as_code.entries import Description, Faults, FilePosition
from as_code.kinds import CREDENTIALS, DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind
from as_code.plan import Plan
from definitions.publication import Draft, why_publishing
from objects.authorship import SYSTEM

Objects = Mapping[DocumentKind, list[Any]]
Refusal = tuple[str | None, FilePosition]


@dataclass(frozen=True)
class Actor:
    """A user with their flags; without one, the machine's operator, who has access to the database anyway."""

    user: AbstractBaseUser | None = None

    @property
    def name(self) -> str:
        """Who the changes are made by."""
        return SYSTEM if self.user is None else self.user.get_username()

    def may(self, kind: DocumentKind, action: Action) -> bool:
        return self.user is None or allows(self.user, kind.model._meta.label_lower, action)

    def refusal(self, kind: DocumentKind, action: Action, what: str) -> str | None:
        """The sentence for something that they may not do; None if they may."""
        if self.may(kind, action):
            return None
        labels = {f"{flag.content_type.app_label}.{flag.codename}": flag.name for flag in flags()}
        alternatives = POLICY[kind.model._meta.label_lower, action]
        needs = (" and ".join(labels[flag] for flag in sorted(need)) for need in alternatives)
        return f"{self.name} may not {what}; required: {' or '.join(needs)}"


def actor_named(name: str | None) -> Actor:
    """The user of this name; the operator of the machine if there is no name.

    Raises:
        CommandError: there is no such user.
    """
    if name is None:
        return Actor()
    # PostgreSQL refuses a query with a NUL.
    user = get_user_model()._default_manager.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return Actor(user)


def check_reading(described: Description, actor: Actor, faults: Faults) -> None:
    """An import shows what is stored, so it needs the flag to read each kind that the files have a section for.

    Raises:
        RefusedImportError: a flag is missing.
    """
    places = dict(described.sections)
    if described.entries[DEFINITIONS]:
        # Definitions name scripts and tokens, and an import tells whether these exist.
        places = dict.fromkeys((SCRIPTS, TOKENS), places[DEFINITIONS]) | places
    if described.entries[CREDENTIALS]:
        places.setdefault(SCRIPTS, places[CREDENTIALS])
    _refuse(((actor.refusal(kind, "view", f"read {kind.section}"), places[kind]) for kind in places), faults)


def check_changes(plan: Plan, actor: Actor, faults: Faults) -> None:
    """Every change needs its flags; each missing one is reported once for a kind, at the first entry that needs it.

    Raises:
        RefusedImportError: a flag is missing.
    """
    _refuse(chain(_unflagged(plan, actor), _unpublished(plan, actor)), faults)


def _unflagged(plan: Plan, actor: Actor) -> Iterator[Refusal]:
    for kind in KINDS:
        for target in plan.changes(kind):
            action: Action = "add" if target.is_new else "change"
            yield actor.refusal(kind, action, f"{action} {kind.section}"), target.entry.position


def _unpublished(plan: Plan, actor: Actor) -> Iterator[Refusal]:
    if actor.may(SCRIPTS, "publish"):
        return
    definitions = plan.stored.objects[DEFINITIONS]
    used = {definition.script_id for definition in definitions}
    for target in plan.changes(SCRIPTS):
        entry, was = target.entry, None if target.is_new else target.instance
        if not entry.broken:
            draft = Draft(entry.values["name"], entry.values["source"], entry.values["kind"], target.renews)
            why = why_publishing(was, draft, is_used=target.instance.pk in used, is_any=bool(definitions))
            yield f"{actor.name} may not do this. {why}" if why else None, entry.position


def _refuse(refusals: Iterable[Refusal], faults: Faults) -> None:
    first: dict[str, FilePosition] = {}
    for message, position in refusals:
        if message:
            first.setdefault(message, position)
    for message, position in first.items():
        faults.add(position, message)
    if first:
        faults.stop()


def prunable(plan: Plan, actor: Actor) -> tuple[Objects, Objects]:
    """The objects that no file names, of the kinds with a section: those the actor may delete, and the others."""
    kinds = plan.described.sections.keys() - plan.described.incomplete
    doomed = {kind: plan.unnamed[kind] for kind in kinds if actor.may(kind, "delete")}
    if SCRIPTS in doomed:
        doomed[SCRIPTS] = plan.stored.users_first(doomed[SCRIPTS])
    kept = {kind: plan.unnamed[kind] for kind in kinds - doomed.keys()}
    return doomed, kept
