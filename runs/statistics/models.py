"""The rows of the statistics. They refer to other objects by their ids, without constraints: they outlive them."""

from enum import IntEnum
from typing import ClassVar, Final
from uuid import UUID

from django.db import models

NOBODY: Final = UUID(int=0)
"""Stands for no definition, token or script: a unique index takes two empty values for different ones."""

EVERYTHING: Final = UUID(int=2**128 - 1)
"""Stands for all definitions, tokens and scripts together: each kind has a series that counts its runs once more."""


class StoredStep(IntEnum):
    """How long the time is that a counter counts, in minutes."""

    MINUTE = 1
    HOUR = 60
    DAY = 1_440


class Series(models.Model):
    """What is counted apart from everything else."""

    kind = models.CharField(max_length=9)
    definition_id = models.UUIDField(default=NOBODY)
    token_id = models.UUIDField(default=NOBODY)
    script_id = models.UUIDField(default=NOBODY)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            # The definition is first: its series are found by this index, too.
            models.UniqueConstraint(
                fields=("definition_id", "token_id", "script_id", "kind"), name="one_series_for_each"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("token_id",), name="series_by_token"),
            models.Index(fields=("script_id",), name="series_by_script"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, definition {self.definition_id}, token {self.token_id}, script {self.script_id}"


class RunCounter(models.Model):
    """How many runs of a series were accepted within a step, how they ended, and how long they took.

    `start` is in minutes since 1970. The histograms are `runs.statistics.histogram.Histogram`, in milliseconds.
    """

    pk = models.CompositePrimaryKey("series_id", "step", "start")
    # The primary key begins with it.
    series = models.ForeignKey(Series, on_delete=models.CASCADE, db_index=False)
    step = models.PositiveSmallIntegerField()
    start = models.PositiveIntegerField()
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    never_started = models.PositiveIntegerField(default=0)
    unanswered = models.PositiveIntegerField(default=0)
    queue = models.BinaryField(default=b"")
    run = models.BinaryField(default=b"")
    total = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=("step", "start"), name="run_counter_by_time")]

    def __str__(self) -> str:
        return f"series {self.series_id}: {self.step} minutes from {self.start}"


class Sample(models.Model):
    """What was seen of the fleet within a step: sums of `looks` looks, and the most that one of them saw.

    `start` is in minutes since 1970. `last` is the number of the latest look: none counts twice.
    """

    step = models.PositiveSmallIntegerField()
    start = models.PositiveIntegerField()
    last = models.PositiveBigIntegerField(default=0)
    looks = models.PositiveIntegerField(default=0)
    busy = models.PositiveBigIntegerField(default=0)
    busy_most = models.PositiveIntegerField(default=0)
    slots = models.PositiveBigIntegerField(default=0)
    slots_most = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True
        default_permissions = ()


class FleetSample(Sample):
    """The slots of all nodes, how many jobs waited, and how many milliseconds the oldest had waited."""

    pk = models.CompositePrimaryKey("step", "start")
    waiting = models.PositiveBigIntegerField(default=0)
    waiting_most = models.PositiveIntegerField(default=0)
    wait = models.PositiveBigIntegerField(default=0)
    wait_most = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"fleet: {self.step} minutes from {self.start}"


class NodeSample(Sample):
    """The slots of one node."""

    pk = models.CompositePrimaryKey("step", "start", "node")
    node = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"node {self.node}: {self.step} minutes from {self.start}"
