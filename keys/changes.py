"""Making a personal key."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError

from access.changes import refusal
from access.texts import NAME_LENGTH, is_name
from keys.models import LONGEST_DAYS, PersonalKey


def check_key(name: str, days: int) -> None:
    """Whether there may be a key like this.

    Raises:
        ValidationError: `InvalidName`, `InvalidField` (+ `field`).
    """
    found = []
    if not is_name(name):
        found.append(refusal("InvalidName", f"A name of 1 to {NAME_LENGTH} characters is needed."))
    if not 1 <= days <= LONGEST_DAYS:
        rule = f"A key lives 1 to {LONGEST_DAYS} days."
        found.append(refusal("InvalidField", rule, field="expiresInDays"))
    if found:
        raise ValidationError(found)


def create_key(user: Any, name: str, days: int) -> tuple[PersonalKey, str]:
    """A key of `user` that lives `days` days, and the key itself: this is the only place where it can be had.

    Raises:
        ValidationError: `InvalidName`, `InvalidField` (+ `field`).
    """
    check_key(name, days)
    made: tuple[PersonalKey, str] = PersonalKey.objects.create(user, expiry=timedelta(days=days), name=name)
    return made
