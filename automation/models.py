"""Automation scripts, and the worker nodes that run them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation.source import ON_API_TRIGGER, RUN, contents, has_entry_point
from foundation.texts import NAME_LENGTH, is_name, is_storable
from objects.authorship import AuthoredModel
from objects.changes import refusal
from objects.columns import DerivedBooleanField

DEFAULT_TIMEOUT_SECONDS = 60
LONGEST_TIMEOUT_SECONDS = 86_400
DEFAULT_MEMORY_MB = 512
SMALLEST_MEMORY_MB = 64
LARGEST_MEMORY_MB = 65_536


class Reuse(models.TextChoices):
    """What becomes of a script's process after a run."""

    WARM = "warm", gettext_lazy("warm: the process is used for further runs")
    FRESH = "fresh", gettext_lazy("fresh: a new process for every run")


class AutomationScript(AuthoredModel):
    """A Python script that APIs run. Writing one amounts to the account that the worker runs under."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True, blank=True)
    description = models.TextField(blank=True)
    source = models.TextField(blank=True)
    parameters = models.JSONField(
        default=list, blank=True, help_text=gettext_lazy("The names of its script parameters.")
    )
    timeout_seconds = models.PositiveIntegerField(
        gettext_lazy("time-out (seconds)"),
        default=DEFAULT_TIMEOUT_SECONDS,
        help_text=gettext_lazy("A run that takes longer is ended."),
    )
    memory_limit_mb = models.PositiveIntegerField(
        gettext_lazy("memory limit (MB)"),
        default=DEFAULT_MEMORY_MB,
        help_text=gettext_lazy("A run whose processes take more is ended."),
    )
    reuse = models.CharField(max_length=5, choices=Reuse.choices, default=Reuse.WARM)
    has_api_trigger = DerivedBooleanField(
        default=False, derive=lambda script: has_entry_point(script.source, ON_API_TRIGGER)
    )
    has_run = DerivedBooleanField(default=False, derive=lambda script: has_entry_point(script.source, RUN))

    in_use_reason = "ScriptInUse"

    class Meta(AuthoredModel.Meta):
        abstract = False
        verbose_name = gettext_lazy("automation script")
        ordering = ["name"]
        permissions = [
            ("ui_available", "Automation > UI available"),
            ("add_edit", "Automation > Add/Edit"),
            ("delete", "Automation > Delete"),
            ("execute", "Automation > Execute"),
        ]
        constraints = [
            models.CheckConstraint(name="script_name_not_blank", condition=Q(name__regex=r"\S")),
            models.CheckConstraint(
                name="script_timeout", condition=Q(timeout_seconds__range=(1, LONGEST_TIMEOUT_SECONDS))
            ),
            models.CheckConstraint(
                name="script_memory", condition=Q(memory_limit_mb__range=(SMALLEST_MEMORY_MB, LARGEST_MEMORY_MB))
            ),
            models.CheckConstraint(name="script_reuse", condition=Q(reuse__in=Reuse.values)),
        ]

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Any = None) -> None:
        """Single fields; `clean` has rules of its own for these."""
        own = {"name", "parameters", "timeout_seconds", "memory_limit_mb", "reuse"}
        super().clean_fields(exclude={*(exclude or ()), *own})

    def clean(self) -> None:
        """The rules of a script.

        Raises:
            ValidationError: by field, `InvalidName`, `InvalidScript` (+ `line`, `message`),
                `InvalidField` (+ `field`).
        """
        errors = {
            "name": self._name_error(),
            "description": self._description_error(),
            "source": self._source_error(),
            "parameters": self._parameters_error(),
            "timeout_seconds": self._timeout_error(),
            "memory_limit_mb": self._memory_error(),
            "reuse": self._reuse_error(),
        }
        found = {field: error for field, error in errors.items() if error is not None}
        if found:
            raise ValidationError(found)

    def entry_points(self) -> list[str]:
        """The entry points that its source had when it was saved."""
        present = {ON_API_TRIGGER: self.has_api_trigger, RUN: self.has_run}
        return [name for name, is_there in present.items() if is_there]

    def validate_unique(self, exclude: Any = None) -> None:
        """No two scripts have the same name.

        Raises:
            ValidationError: `NameInUse`.
        """
        left_out = set(exclude or ())
        super().validate_unique(exclude=left_out | {"name"})
        if "name" not in left_out and AutomationScript.objects.exclude(pk=self.pk).filter(name=self.name).exists():
            raise ValidationError({"name": refusal("NameInUse", _("Another script has this name."))})

    def _name_error(self) -> ValidationError | None:
        if not is_name(self.name):
            return refusal("InvalidName", _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH})
        return None

    def _description_error(self) -> ValidationError | None:
        if is_storable(self.description):
            return None
        return refusal("InvalidField", _("The description has characters that are no text."), field="description")

    def _source_error(self) -> ValidationError | None:
        found = contents(self.source)
        if (error := found.error) is not None:
            where = _("Line %(line)s: %(message)s") if error.line else "%(message)s"
            return refusal("InvalidScript", where, line=error.line, message=error.message)
        if not found.entry_points:
            rule = _("A script needs a function {}(engine, request) or {}(engine).").format(ON_API_TRIGGER, RUN)
            return refusal("InvalidScript", "%(message)s", line=None, message=rule)
        return None

    def _parameters_error(self) -> ValidationError | None:
        names = self.parameters
        fits = isinstance(names, list) and all(map(_is_parameter_name, names))
        if fits and len(set(names)) == len(names):
            return None
        rule = _("Parameters are a list of names, none empty or given twice.")
        return refusal("InvalidField", rule, field="parameters")

    def _timeout_error(self) -> ValidationError | None:
        if isinstance(self.timeout_seconds, int) and 1 <= self.timeout_seconds <= LONGEST_TIMEOUT_SECONDS:
            return None
        rule = _("A time-out is 1 to %(most)d seconds.") % {"most": LONGEST_TIMEOUT_SECONDS}
        return refusal("InvalidField", rule, field="timeoutSeconds")

    def _memory_error(self) -> ValidationError | None:
        limit = self.memory_limit_mb
        if isinstance(limit, int) and SMALLEST_MEMORY_MB <= limit <= LARGEST_MEMORY_MB:
            return None
        rule = _("A memory limit is {} to {} MB.").format(SMALLEST_MEMORY_MB, LARGEST_MEMORY_MB)
        return refusal("InvalidField", rule, field="memoryLimitMb")

    def _reuse_error(self) -> ValidationError | None:
        if self.reuse in Reuse.values:
            return None
        rule = _("Reuse is one of: %(values)s.") % {"values": ", ".join(Reuse.values)}
        return refusal("InvalidField", rule, field="reuse")


def _is_parameter_name(name: object) -> bool:
    return isinstance(name, str) and bool(name.strip()) and is_storable(name)


class WorkerNode(models.Model):
    """A number for each machine that runs or queues triggers; whether it is alive, Redis knows."""

    id = models.PositiveIntegerField(primary_key=True)
    host = models.CharField(max_length=255)
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("worker node")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.id} ({self.host})"
