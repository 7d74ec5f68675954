"""Keys end when their owner's password changes, whoever changes it."""

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.dispatch import receiver

from keys.changes import end_keys
from keys.models import PersonalKey


@receiver(post_save, sender=User)
def end_keys_of_a_changed_password(
    instance: User, created: bool, update_fields: Collection[str] | None, **kwargs: object
) -> None:
    """End the keys of a user whose password was set or removed.

    `create_key` locks the user's row: a key made at the same moment is either seen here, or sees the new password.
    """
    is_saved = not created and (update_fields is None or "password" in update_fields)
    # Django clears `_password` when it only hashes the same password again.
    is_new = instance._password is not None  # type: ignore[attr-defined]  # the types leave it out
    if is_saved and (is_new or not instance.has_usable_password()):
        end_keys(PersonalKey.objects.filter(user=instance), "with a new password")
