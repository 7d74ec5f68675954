"""Making a personal key."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

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
        found.append(refusal("InvalidName", _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH}))
    if not 1 <= days <= LONGEST_DAYS:
        rule = _("A key lives 1 to %(most)d days.") % {"most": LONGEST_DAYS}
        found.append(refusal("InvalidField", rule, field="expiresInDays"))
    if found:
        raise ValidationError(found)


def create_key(user: Any, name: str, days: int, key_id: UUID | None = None) -> tuple[PersonalKey, str]:
    """A key of `user` that lives `days` days, and the key itself: this is the only place where it can be had.

    `key_id` is the id that it gets, if that is settled already.

    Raises:
        ValidationError: `InvalidName`, `InvalidField` (+ `field`).
        IntegrityError: there is a key of this id.
    """
    check_key(name, days)
    settled = {} if key_id is None else {"public_id": key_id}
    made: tuple[PersonalKey, str] = PersonalKey.objects.create(user, expiry=timedelta(days=days), name=name, **settled)
    return made
