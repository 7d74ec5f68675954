"""What the mirror keeps in the database: what is still to be written, what was refused, and how things stand."""

import time
from typing import Any

from django.db import models, transaction
from django.utils import timezone

KIND_LENGTH = 20
ID_LENGTH = 512  # of a document in Elasticsearch; what lies there need not be ours
INDEX_LENGTH = 255
FAILURE_LENGTH = 1_000
NAME_LENGTH = 255

DEFINITIONS = "definitions"
TOKENS = "tokens"
KINDS = (DEFINITIONS, TOKENS)
"""What is mirrored, each kind in an index of its own."""

TOKEN_NAME = "token-name"  # noqa: S105  the name of an intent
SCRIPT_NAME = "script-name"
SPREADS = (TOKEN_NAME, SCRIPT_NAME)
"""Changes that reach all definitions which show the name."""


class Intent(models.Model):
    """Something has changed and is to be brought to the mirror. What it has become is read when that is done."""

    kind = models.CharField(max_length=KIND_LENGTH)
    object_id = models.CharField(max_length=ID_LENGTH)
    cursor = models.CharField(max_length=ID_LENGTH, default="")
    """How far the spreading of a name has come: the last definition that was written."""
    noted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["kind", "id"], name="intent_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class SetAside(models.Model):
    """A document that Elasticsearch refuses; it is tried again after its next change, or by a repair."""

    kind = models.CharField(max_length=KIND_LENGTH)
    object_id = models.CharField(max_length=ID_LENGTH)
    reason = models.TextField()
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        ordering = ["since", "pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "object_id"], name="set_aside_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}: {self.reason}"


class Mirror(models.Model):
    """One row: whether there is a mirror, and when Elasticsearch last answered."""

    is_on = models.BooleanField(default=False)
    ticket = models.BigIntegerField(default=0)
    reached_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=FAILURE_LENGTH, default="")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "on" if self.is_on else "off"

    @classmethod
    def get(cls) -> "Mirror":
        """The row; a database that has none yet gets it."""
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def change(cls, **values: Any) -> None:
        """Set columns of the row."""
        if not cls.objects.filter(pk=1).update(**values):
            cls.get()
            cls.objects.filter(pk=1).update(**values)

    @classmethod
    def take_ticket(cls, above: int = 0) -> int:
        """A number larger than any taken before, and than `above`; as a version it says how old a document is.

        It is never behind the clock, so that it goes on where it was when the database is an older one again.
        """
        cls.get()
        with transaction.atomic():
            last: int = cls.objects.select_for_update().values_list("ticket", flat=True).get(pk=1)
            ticket = max(last + 1, above + 1, time.time_ns() // 1_000)
            cls.objects.filter(pk=1).update(ticket=ticket)
        return ticket


class Copy(models.Model):
    """How the mirror of one kind stands: an index that is being filled, and what the last check found."""

    kind = models.CharField(max_length=KIND_LENGTH, unique=True)
    filling = models.CharField(max_length=INDEX_LENGTH, default="")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    filled_at = models.DateTimeField(null=True)
    """When the filling last went on; one that stands still has been given up."""
    filler = models.CharField(max_length=NAME_LENGTH, default="")
    checked_at = models.DateTimeField(null=True)
    missing = models.PositiveIntegerField(default=0)
    stale = models.PositiveIntegerField(default=0)
    orphaned = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=FAILURE_LENGTH, default="")
    repaired_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.kind

    @classmethod
    def get(cls, kind: str) -> "Copy":
        """The row of `kind`; a database that has none yet gets it."""
        return cls.objects.get_or_create(kind=kind)[0]

    @classmethod
    def change(cls, kind: str, **values: Any) -> None:
        """Set columns of the row of `kind`."""
        cls.get(kind)
        cls.objects.filter(kind=kind).update(**values)

    def replace(self, **values: Any) -> bool:
        """Set columns of the row, if it still names the same rebuild as this object; returns whether it did."""
        seen = {"filling": self.filling, "filler": self.filler, "filled_at": self.filled_at}
        return bool(Copy.objects.filter(kind=self.kind, **seen).update(**values))
