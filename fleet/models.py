"""What the scheduler stores in the database."""

from typing import Final

from django.db import models

NAME_LENGTH: Final = 200


class PeriodicTask(models.Model):
    """When an entry of the schedule was last sent, whichever node sent it."""

    name = models.CharField(max_length=NAME_LENGTH, primary_key=True)
    last_sent = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}, last sent {self.last_sent}"
