"""Runs: what was called, by whom, what happened, and what the script logged."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from fleet.records import RunStatus
from foundation.ids import new_run_id, time_of
from foundation.texts import NAME_LENGTH
from hosts.jobs import RunKind
from objects.authorship import USER_NAME_LENGTH
from objects.columns import CompressedTextField
from runs.statistics.models import FleetSample, NodeSample, RunCounter, Series

__all__ = [
    "FailingApi",
    "FleetSample",
    "NodeSample",
    "RecordSource",
    "Run",
    "RunBodies",
    "RunCounter",
    "RunLog",
    "RunsNotKept",
    "Series",
]

_ADDRESS_LENGTH = 45
_LONGEST_REASON = 40
LONGEST_NOTE = 200


class Run(models.Model):
    """One run. Its id begins with the time when it was accepted, so the order of ids is the order of time.

    It refers to other objects by their ids, without constraints: it outlives them. `later` says how a run ended of
    which the caller had been told something else.
    """

    id = models.UUIDField(primary_key=True, default=new_run_id, editable=False)
    kind = models.CharField(max_length=9)
    status = models.CharField(max_length=12)
    authority = models.PositiveSmallIntegerField()
    """Who says so: `fleet.records.Authority`."""
    parent_id = models.UUIDField(null=True)
    definition_id = models.UUIDField(null=True)
    token_id = models.UUIDField(null=True)
    script_id = models.UUIDField(null=True)
    script_version = models.PositiveIntegerField(null=True)
    script_name = models.CharField(max_length=NAME_LENGTH, default="")
    libraries = models.TextField(default="")
    """Names and versions: `encoders@3 zones@1`."""
    route = models.TextField(default="")
    called_route = models.TextField(default="")
    method = models.CharField(max_length=6, default="")
    token_name = models.CharField(max_length=NAME_LENGTH, default="")
    user = models.CharField(max_length=USER_NAME_LENGTH, default="")
    client_address = models.CharField(max_length=_ADDRESS_LENGTH, default="")
    node = models.PositiveIntegerField(null=True)
    queue_milliseconds = models.PositiveIntegerField(null=True)
    run_milliseconds = models.PositiveIntegerField(null=True)
    total_milliseconds = models.PositiveIntegerField(null=True)
    """From the acceptance to the answer. None while the run goes on."""
    response_code = models.PositiveSmallIntegerField(null=True)
    error_code = models.PositiveSmallIntegerField(null=True)
    request_bytes = models.PositiveIntegerField(default=0)
    response_bytes = models.PositiveIntegerField(default=0)
    has_log = models.BooleanField(default=False)
    log_truncated = models.BooleanField(default=False)
    has_bodies = models.BooleanField(default=False)
    reason = models.CharField(max_length=_LONGEST_REASON, default="")
    message = models.TextField(default="")
    not_kept_warm = models.CharField(max_length=LONGEST_NOTE, default="")
    later = models.TextField(default="")
    """JSON, empty where there is nothing: `status`, `responseCode`, `errorCode`, `reason`, `message`."""

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("run")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            *(
                models.Index(column, "id", name=f"run_by_{name}", condition=models.Q(**{f"{column}__isnull": False}))
                for name, column in {
                    "definition": "definition_id",
                    "token": "token_id",
                    "script": "script_id",
                    "parent": "parent_id",
                    "error": "error_code",
                }.items()
            ),
            models.Index("status", "id", name="run_by_status"),
            models.Index(
                "script_id",
                "script_version",
                name="run_by_version",
                condition=models.Q(script_version__isnull=False),
            ),
        ]
        permissions: ClassVar = [
            ("ui_available", "User-defined APIs > Runs > UI available"),
            ("bodies", "User-defined APIs > Runs > Bodies"),
            ("cancel", "User-defined APIs > Runs > Cancel"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def accepted_at(self) -> datetime:
        return time_of(self.pk)

    @property
    def started_at(self) -> datetime | None:
        """None if it did not start, as far as is known."""
        if self.queue_milliseconds is None or (self.run_milliseconds is None and self.status != RunStatus.RUNNING):
            return None
        return self.accepted_at + timedelta(milliseconds=self.queue_milliseconds)

    @property
    def ended_at(self) -> datetime | None:
        if self.total_milliseconds is None:
            return None
        return self.accepted_at + timedelta(milliseconds=self.total_milliseconds)

    @property
    def is_over(self) -> bool:
        return self.status not in {RunStatus.QUEUED, RunStatus.RUNNING}

    def used_libraries(self) -> dict[str, int]:
        """Name → version."""
        return {name: int(version) for name, _, version in (part.partition("@") for part in self.libraries.split())}


KINDS = tuple(kind.value for kind in RunKind)
STATUSES = tuple(status.value for status in RunStatus)


class RunLog(models.Model):
    """What a run has logged: each line with its milliseconds since the start, and a tab, before it."""

    run_id = models.UUIDField(primary_key=True)
    text = CompressedTextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"log of {self.run_id}"


class RunBodies(models.Model):
    """What is kept of request and response, as JSON: `fleet.kept_bodies`. The response is empty if there was none."""

    run_id = models.UUIDField(primary_key=True)
    request = CompressedTextField()
    response = CompressedTextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"bodies of {self.run_id}"


class RecordSource(models.Model):
    """A process that makes records, and which of them have not arrived: what stays missing was not kept."""

    source = models.CharField(max_length=32, primary_key=True)
    highest = models.PositiveBigIntegerField(default=0)
    missing = models.JSONField(default=list)
    """Ranges: first number, last number, since when (milliseconds since 1970)."""
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.source} up to {self.highest}"


class RunsNotKept(models.Model):
    """How many runs, and how many logs and bodies, could not be kept; noted in this minute."""

    minute = models.DateTimeField(primary_key=True)
    records = models.PositiveIntegerField(default=0)
    extras = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.records} runs, {self.extras} logs and bodies"


class FailingApi(models.Model):
    """An API whose runs fail: at least five, and half of them, within five minutes. The row goes when it recovers."""

    definition_id = models.UUIDField(primary_key=True)
    since = models.DateTimeField()
    failed = models.PositiveIntegerField()
    runs = models.PositiveIntegerField()
    last_run_id = models.UUIDField()
    """The last run that failed."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.definition_id}: {self.failed} of {self.runs}"
