"""Creating and ending personal keys."""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from foundation.texts import NAME_LENGTH, is_name
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, MOST_KEYS, PersonalKey
from objects.changes import refusal

_log = logging.getLogger("udapi.audit.keys")


def check_key(name: str, days: int | None) -> None:
    """Check the name and the days of a new key.

    Raises:
        ValidationError: `InvalidName`, `InvalidField` (+ `field`).
    """
    found = []
    if not is_name(name):
        found.append(refusal("InvalidName", _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH}))
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        rule = _("A key lives 1 to %(most)d days.") % {"most": LONGEST_DAYS}
        found.append(refusal("InvalidField", rule, field="expiresInDays"))
    if found:
        raise ValidationError(found)


def create_key(
    user: Any, name: str, days: int | None = None, key_id: UUID | None = None, made_with: PersonalKey | None = None
) -> tuple[PersonalKey, str]:
    """A new key of `user` that lives `days` days, and its text, which is returned only here.

    `key_id` is the id of the key, if it is chosen already. `made_with` is the key that authenticated the request.

    Raises:
        ValidationError: `InvalidName`, `InvalidField` (+ `field`), `TooManyKeys`.
        PermissionDenied: the password or key with which `user` logged in has ended meanwhile.
        IntegrityError: there is a key with this id.
    """
    check_key(name, days)
    digest, key = get_digest_token()
    shown, expiry = key[: CONSTANTS.TOKEN_KEY_LENGTH], _expiry(days, made_with)
    made = PersonalKey(user=user, name=name, digest=digest, token_key=shown, expiry=expiry, made_with=made_with)
    made.public_id = key_id or made.public_id
    with transaction.atomic():
        _hold(user, made_with)
        made.save(force_insert=True)
    _log.info("personal key %s of '%s' was made", made.pk, user.get_username())
    return made, key


def live_keys(user: Any) -> "QuerySet[PersonalKey]":
    """Those that have not expired."""
    keys: QuerySet[PersonalKey] = PersonalKey.objects.filter(user=user, expiry__gt=timezone.now())
    return keys


def end_keys(keys: "QuerySet[PersonalKey]", why: str) -> int:
    """End the keys and those made with them; returns how many of `keys` there were. `why` is for the log."""
    return sum(_end(key_id, why) for key_id in list(keys.values_list("pk", flat=True)))


def _end(key_id: UUID, why: str) -> bool:
    """End one key and those made with it; False when it has ended already."""
    with transaction.atomic():
        # Locked, so that no further key is made with it.
        rows = PersonalKey.objects.select_for_update(of=("self",)).select_related("user")
        key: PersonalKey | None = rows.filter(pk=key_id).first()
        if key is None:
            return False
        end_keys(PersonalKey.objects.filter(made_with=key), why)
        key.delete()
    _log.info("personal key %s of '%s' was ended %s", key_id, key.user.get_username(), why)
    return True


def _expiry(days: int | None, made_with: PersonalKey | None) -> datetime:
    wanted = timezone.now() + timedelta(days=days or DEFAULT_DAYS)
    latest: datetime | None = made_with.expiry if made_with else None
    if latest is None or wanted <= latest:
        return wanted
    if days is None:
        return latest
    rule = _("A key cannot make a key that outlives it; leave the days out to let both end together.")
    raise refusal("InvalidField", rule, field="expiresInDays")


def _hold(user: Any, made_with: PersonalKey | None) -> None:
    """Lock the row of `user`, so that no key is made beyond the limit or while the password changes.

    Raises:
        ValidationError: `TooManyKeys`.
        PermissionDenied: the password or the key with which `user` logged in is no longer theirs.
    """
    password = User.objects.select_for_update().filter(pk=user.pk).values_list("password", flat=True).first()
    if password != user.password:
        raise PermissionDenied
    if made_with is not None and not PersonalKey.objects.select_for_update().filter(pk=made_with.pk).values_list("pk"):
        raise PermissionDenied
    if live_keys(user).count() >= MOST_KEYS:
        raise refusal("TooManyKeys", _("A user has at most %(most)d keys: end one first."), most=MOST_KEYS)
