"""The last active superuser with a password stays, so that somebody can always log in and give rights to others."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import router, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, pre_delete, pre_save
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

_REFUSAL = _("This is the last active superuser with a password: make another one first.")
_DECIDING = ("is_active", "is_superuser", "password")


def refuse_losing_last(leaving: Iterable[Any], using: str | None = None) -> None:
    """Refuse a change that leaves no superuser besides the users with the keys `leaving`.

    Inside a transaction the superusers' rows stay locked: if two of them demote each other, one is refused.

    Raises:
        ValidationError: `LastSuperuser`.
    """
    using = using or router.db_for_write(User)
    superusers = _superusers(using)
    if transaction.get_connection(using).in_atomic_block:
        superusers = superusers.select_for_update()
    present = set(superusers.order_by("pk").values_list("pk", flat=True))
    if present and present <= set(leaving):
        raise _refusal()


@receiver(pre_save, sender=User)
def keep_from_saving(instance: User, using: str, update_fields: Iterable[str] | None, **kwargs: object) -> None:
    """Keep the last superuser's rights, activity and password.

    Raises:
        ValidationError: `LastSuperuser`.
    """
    decides = update_fields is None or set(update_fields) & set(_DECIDING)
    if instance.pk is not None and decides and not _lets_in(instance):
        refuse_losing_last([instance.pk], using)


@receiver(pre_delete, sender=User)
def hold_superusers(instance: User, using: str, **kwargs: object) -> None:
    """Make another delete at the same moment wait for this one."""
    if _lets_in(instance):
        list(_superusers(using).select_for_update().order_by("pk").values_list("pk"))


@receiver(post_delete, sender=User)
def keep_from_deleting(instance: User, using: str, **kwargs: object) -> None:
    """Refuse to delete the last superuser. Checked afterwards, because one delete may remove several users.

    Raises:
        ValidationError: `LastSuperuser`; the delete is rolled back.
    """
    if _lets_in(instance) and not _superusers(using).exists():
        raise _refusal()


def _superusers(using: str) -> "QuerySet[User]":
    users = User._default_manager.using(using).filter(is_active=True, is_superuser=True)
    return users.exclude(password="").exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)


def _lets_in(user: User) -> bool:
    return user.is_active and user.is_superuser and user.has_usable_password()


def _refusal() -> ValidationError:
    return ValidationError(_REFUSAL, code="LastSuperuser")
