"""Who imports or exports, and what the policy lets him do."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from access.flags import flags
from access.policy import POLICY, Action, allows
from as_code.kinds import DocumentKind
from objects.authorship import SYSTEM


class UnknownUserError(Exception):
    """There is no user of this name."""


@dataclass(frozen=True)
class Actor:
    """A user with his flags; without one it is the machine's operator, who holds the database anyway."""

    user: AbstractBaseUser | None = None

    @property
    def name(self) -> str:
        """Who the changes are made by."""
        return SYSTEM if self.user is None else self.user.get_username()

    def may(self, kind: DocumentKind, action: Action) -> bool:
        """Whether the policy allows it."""
        return self.user is None or allows(self.user, kind.label, action)

    def refused(self, kinds: Iterable[DocumentKind], action: Action) -> list[DocumentKind]:
        """Those of `kinds` with which he may not do it."""
        return [kind for kind in kinds if not self.may(kind, action)]

    def refusal(self, kind: DocumentKind, action: Action, what: str) -> str:
        """The sentence for something that he may not do."""
        return f"{self.name} may not {what}: that needs {_needed(kind, action)}"


def actor_named(name: str | None) -> Actor:
    """The user of this name; the operator of the machine where there is no name.

    Raises:
        UnknownUserError: there is no such user.
    """
    if name is None:
        return Actor()
    user = get_user_model()._default_manager.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise UnknownUserError(f"There is no user {name!r}.")
    return Actor(user)


def _needed(kind: DocumentKind, action: Action) -> str:
    labels = {f"{flag.content_type.app_label}.{flag.codename}": flag.name for flag in flags()}
    alternatives = (" and ".join(labels[flag] for flag in sorted(need)) for need in POLICY[kind.label, action])
    return " or ".join(alternatives)
