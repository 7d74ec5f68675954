"""The database's record of its installation."""

from typing import Final

from django.db import models

ID_LENGTH: Final = 40
HOME_LENGTH: Final = 200


class Installation(models.Model):
    """A table of one row: the id, and where the database last used it. `broker/installation.py` has the SQL."""

    key = models.PositiveSmallIntegerField(primary_key=True)
    identifier = models.CharField(max_length=ID_LENGTH)
    # The id in use, which a setting may override, and digests of the addresses of Redis and database.
    home = models.CharField(max_length=HOME_LENGTH)

    class Meta:
        default_permissions = ()
        db_table = "broker_installation"

    def __str__(self) -> str:
        return self.identifier
