"""Users for tests."""

from django.contrib.auth.models import User


def remove_users(**wanted: object) -> None:
    """Remove the matching users, even the last superuser, whom the product refuses to remove."""
    users = User.objects.filter(**wanted)
    users.update(is_superuser=False)
    users.delete()
