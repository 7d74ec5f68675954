"""Users of tests."""

from django.contrib.auth.models import User


def remove_users(**wanted: object) -> None:
    """Remove the users that fit, the last superuser too, whom the product would keep."""
    users = User.objects.filter(**wanted)
    users.update(is_superuser=False)
    users.delete()
