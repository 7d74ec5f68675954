"""Personal keys: what a user's programs show to the management API instead of the user's password."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS

from foundation.texts import NAME_LENGTH

DEFAULT_DAYS, LONGEST_DAYS = 90, 3_650
MOST_KEYS = 50
"""A user has at most so many keys that have not expired."""


class PersonalKey(AbstractAuthToken):  # type: ignore[misc]  # django-rest-knox has no types
    """A key with its owner's flags; of the key itself only a digest is kept, and it expires."""

    # Knox would make the digest the primary key, and with it a part of addresses and of the history.
    public_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)
    made_with = models.ForeignKey("self", models.CASCADE, null=True, editable=False, related_name="+")
    """The key that made this one, which ends together with it."""

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("personal key")
        ordering = ["name", "public_id"]

    def __str__(self) -> str:
        return self.name
