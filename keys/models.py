"""Personal keys: a user's programs send them to the management API instead of the user's password."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS

from foundation.texts import NAME_LENGTH

DEFAULT_DAYS, LONGEST_DAYS = 90, 3_650
# How many keys that have not expired a user may have.
MOST_KEYS = 50


class PersonalKey(AbstractAuthToken):  # type: ignore[misc]  # django-rest-knox has no types
    """A key with its owner's flags. Only a digest of it is stored, and it expires."""

    # With Knox the digest would be the primary key, and so appear in addresses and in the history.
    public_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)
    # This key ends together with the one that made it.
    made_with = models.ForeignKey("self", models.CASCADE, null=True, editable=False, related_name="+")

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("personal key")
        ordering = ["name", "public_id"]

    def __str__(self) -> str:
        return self.name
