"""The mirror's tables: pending intents, refused documents, and the state of the mirror and of each index."""

import time
from typing import Any

from django.db import models, transaction
from django.utils import timezone

KIND_LENGTH = 20
ID_LENGTH = 512  # the longest document id of Elasticsearch: foreign documents may have any id
FAILURE_LENGTH = 1_000

DEFINITIONS = "definitions"
TOKENS = "tokens"
KINDS = (DEFINITIONS, TOKENS)
"""The mirrored kinds of objects; each has an index of its own."""

TOKEN_NAME = "token-name"  # noqa: S105  the kind of an intent
SCRIPT_NAME = "script-name"
RENAMES = (TOKEN_NAME, SCRIPT_NAME)
"""Intents for a new name, which must reach every definition that shows it."""


class Intent(models.Model):
    """An object whose document must be written or deleted. Its state is read when the intent is carried out."""

    kind = models.CharField(max_length=KIND_LENGTH)
    object_id = models.CharField(max_length=ID_LENGTH)
    cursor = models.CharField(max_length=ID_LENGTH, default="")
    """For a new name: the id of the last definition that was written."""
    noted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["kind", "id"], name="intent_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class SetAside(models.Model):
    """A document that Elasticsearch refuses. It is tried again after the object's next change, or by a repair."""

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
    """One row: whether the mirror is on, and when Elasticsearch last answered."""

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
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def change(cls, **values: Any) -> None:
        cls.get()
        cls.objects.filter(pk=1).update(**values)

    @classmethod
    def take_ticket(cls, above: int = 0) -> int:
        """The next write number: larger than all before, and than `above`. Writes carry it as external version.

        It is never behind the clock, so it exceeds the numbers already given even if an old database is restored.
        """
        cls.get()
        with transaction.atomic():
            last: int = cls.objects.select_for_update().values_list("ticket", flat=True).get(pk=1)
            ticket = max(last + 1, above + 1, time.time_ns() // 1_000)
            cls.objects.filter(pk=1).update(ticket=ticket)
        return ticket


class Copy(models.Model):
    """The state of one kind's index: the rebuild in progress, and what the last check found."""

    kind = models.CharField(max_length=KIND_LENGTH, unique=True)
    filling = models.CharField(max_length=255, default="")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    filled_at = models.DateTimeField(null=True)
    """When the rebuild last made progress."""
    filler = models.CharField(max_length=255, default="")
    """The process that rebuilds; see `search.rebuild`."""
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
        return cls.objects.get_or_create(kind=kind)[0]

    @classmethod
    def change(cls, kind: str, **values: Any) -> None:
        cls.get(kind)
        cls.objects.filter(kind=kind).update(**values)

    def replace(self, **values: Any) -> bool:
        """Set columns of the row unless another process has changed its rebuild since; returns whether it did."""
        seen = {"filling": self.filling, "filler": self.filler, "filled_at": self.filled_at}
        return bool(Copy.objects.filter(kind=self.kind, **seen).update(**values))
