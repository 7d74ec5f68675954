"""Who reads a live stream, asked anew whenever something is to be sent."""

from dataclasses import dataclass
from typing import Protocol

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from events.visibility import readable_types


class Credential(Protocol):
    """What a reader has logged in with; equal for readers that have logged in with the same."""

    def __hash__(self) -> int: ...

    def holds(self, user: AbstractBaseUser) -> bool:
        """Whether it still lets `user` in."""


@dataclass(frozen=True)
class Reader:
    """A user, and what he has logged in with."""

    user_id: int
    credential: Credential

    def readable(self) -> frozenset[str]:
        """The object types whose events he may read now; none when he may not be here any more."""
        user = get_user_model()._default_manager.filter(pk=self.user_id).first()
        if user is None or not self.credential.holds(user):
            return frozenset()
        return readable_types(user)
