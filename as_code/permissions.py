"""Who imports or exports, and what the policy lets them do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from access.flags import flags
from access.policy import POLICY, Action, allows
from as_code.entries import Description, Faults, Place
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, DocumentKind
from as_code.plan import Plan
from definitions.publication import Exposure, why_publishing
from objects.authorship import SYSTEM

Objects = Mapping[DocumentKind, list[Any]]
Refusals = dict[str, Place]


class UnknownUserError(Exception):
    """There is no user of this name."""


@dataclass(frozen=True)
class Actor:
    """A user with their flags; without one, the machine's operator, who has access to the database anyway."""

    user: AbstractBaseUser | None = None

    @property
    def name(self) -> str:
        """Who the changes are made by."""
        return SYSTEM if self.user is None else self.user.get_username()

    def may(self, kind: DocumentKind, action: Action) -> bool:
        return self.user is None or allows(self.user, kind.label, action)

    def refusal(self, kind: DocumentKind, action: Action, what: str) -> str:
        """The sentence for something that they may not do."""
        return f"{self.name} may not {what}; required: {_needed(kind, action)}"


def actor_named(name: str | None) -> Actor:
    """The user of this name; the operator of the machine if there is no name.

    Raises:
        UnknownUserError: there is no such user.
    """
    if name is None:
        return Actor()
    # PostgreSQL refuses a query with a NUL.
    user = get_user_model()._default_manager.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise UnknownUserError(f"There is no user {name!r}.")
    return Actor(user)


def _needed(kind: DocumentKind, action: Action) -> str:
    labels = {f"{flag.content_type.app_label}.{flag.codename}": flag.name for flag in flags()}
    alternatives = (" and ".join(labels[flag] for flag in sorted(need)) for need in POLICY[kind.label, action])
    return " or ".join(alternatives)


def check_reading(described: Description, actor: Actor, faults: Faults) -> None:
    """An import shows what is stored, so it needs the flag to read each kind that the files have a section for.

    Raises:
        RefusedImportError: a flag is missing.
    """
    refusals: Refusals = {}
    for kind in KINDS:
        place = described.sections.get(kind)
        if place is None and described.entries[DEFINITIONS]:
            # Definitions name scripts and tokens, and an import tells whether these exist.
            place = described.sections[DEFINITIONS]
        if place is not None and not actor.may(kind, "view"):
            refusals[actor.refusal(kind, "view", f"read {kind.section}")] = place
    _stop(refusals, faults)


def check_changes(plan: Plan, actor: Actor, faults: Faults) -> None:
    """Every change needs its flags; each missing one is reported once for a kind, at the first entry that needs it.

    Raises:
        RefusedImportError: a flag is missing.
    """
    refusals: Refusals = {}
    for kind in KINDS:
        for target in plan.changes(kind):
            action: Action = "add" if target.is_new else "change"
            if not actor.may(kind, action):
                refusals.setdefault(actor.refusal(kind, action, f"{action} {kind.section}"), target.entry.place)
    if not actor.may(SCRIPTS, "publish"):
        _check_publishing(plan, actor, refusals)
    _stop(refusals, faults)


def _check_publishing(plan: Plan, actor: Actor, refusals: Refusals) -> None:
    definitions = plan.stored.objects[DEFINITIONS]
    used = {definition.script_id for definition in definitions}
    for target in plan.changes(SCRIPTS):
        entry, was = target.entry, None if target.is_new else target.instance
        if entry.broken:
            continue
        exposure = Exposure(target.instance.pk in used, bool(definitions))
        why = why_publishing(was, entry.values["name"], entry.values["source"], exposure)
        if why is not None:
            refusals.setdefault(f"{actor.name} may not do this. {why}", entry.place)


def _stop(refusals: Refusals, faults: Faults) -> None:
    for message, place in refusals.items():
        faults.add(place, message)
    if refusals:
        faults.stop()


def prunable(plan: Plan, actor: Actor) -> tuple[Objects, Objects]:
    """The objects that no file names, of the kinds with a section: those the actor may delete, and the others."""
    kinds = plan.described.sections.keys() - plan.described.incomplete
    doomed = {kind: plan.unnamed[kind] for kind in kinds if actor.may(kind, "delete")}
    kept = {kind: plan.unnamed[kind] for kind in kinds - doomed.keys()}
    return doomed, kept
