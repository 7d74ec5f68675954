"""Personal keys: what a user's programs show to the management API instead of his password."""

import uuid

from django.db import models
from knox.models import AbstractAuthToken

from access.texts import NAME_LENGTH

DEFAULT_DAYS, LONGEST_DAYS = 90, 3_650


class PersonalKey(AbstractAuthToken):  # type: ignore[misc]  # django-rest-knox has no types
    """A key with its owner's flags; of the key itself only a digest is kept, and it expires."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        default_permissions = ()
        ordering = ["name", "public_id"]

    def __str__(self) -> str:
        return self.name
