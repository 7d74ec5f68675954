"""Log-in attempts are stored as counters under keyed hashes, without any user name, address or password."""

from django.db import models


class AttemptCounter(models.Model):
    """How many attempts count against one limit until `ends_at`."""

    key = models.CharField(primary_key=True, max_length=64)
    count = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key
