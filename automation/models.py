"""Automation scripts, and the worker nodes that run them."""

from collections.abc import Iterator
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

    WARM = "warm", gettext_lazy("Reuse the process (faster)")
    FRESH = "fresh", gettext_lazy("New process every time (isolated)")


class AutomationScript(AuthoredModel):
    """A Python script that APIs run. Whoever may write one can do everything that the worker's account can."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True, blank=True)
    description = models.TextField(blank=True)
    source = models.TextField(blank=True)
    parameters = models.JSONField(
        default=list, blank=True, help_text=gettext_lazy("The names of the script parameters.")
    )
    timeout_seconds = models.PositiveIntegerField(
        gettext_lazy("time-out (seconds)"),
        default=DEFAULT_TIMEOUT_SECONDS,
        help_text=gettext_lazy("Longer runs are stopped."),
    )
    memory_limit_mb = models.PositiveIntegerField(
        gettext_lazy("memory limit (MB)"),
        default=DEFAULT_MEMORY_MB,
        help_text=gettext_lazy("Runs that use more are stopped."),
    )
    reuse = models.CharField(gettext_lazy("process"), max_length=5, choices=Reuse.choices, default=Reuse.WARM)
    has_api_trigger = DerivedBooleanField(
        default=False, derive=lambda script: has_entry_point(script.source, ON_API_TRIGGER)
    )
    has_run = DerivedBooleanField(default=False, derive=lambda script: has_entry_point(script.source, RUN))

    in_use_reason = "ScriptInUse"
    own_rules = frozenset({"name", "parameters", "timeout_seconds", "memory_limit_mb", "reuse"})

    class Meta(AuthoredModel.Meta):
        abstract = False
        verbose_name = gettext_lazy("script")
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

    def entry_points(self) -> list[str]:
        """Those that the source had when the script was saved."""
        present = {ON_API_TRIGGER: self.has_api_trigger, RUN: self.has_run}
        return [name for name, is_there in present.items() if is_there]

    def unique_error_message(self, model_class: type[models.Model], unique_check: Any) -> ValidationError:
        """`NameInUse` for the name, in place of Django's own code."""
        if unique_check == ("name",):
            return refusal("NameInUse", _("Another script has this name."))
        return super().unique_error_message(model_class, unique_check)

    def faults(self) -> Iterator[tuple[str, ValidationError]]:
        """`InvalidName`, `InvalidScript` (+ `line`, `message`), `InvalidField` (+ `field`)."""
        if not is_name(self.name):
            rule = _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH}
            yield "name", refusal("InvalidName", rule)
        if not is_storable(self.description):
            rule = _("The description contains characters that cannot be stored.")
            yield "description", refusal("InvalidField", rule, field="description")
        if (error := self._source_error()) is not None:
            yield "source", error
        if not _are_parameter_names(self.parameters):
            rule = _("Parameters are a list of names, none empty or given twice.")
            yield "parameters", refusal("InvalidField", rule, field="parameters")
        if not _is_within(self.timeout_seconds, 1, LONGEST_TIMEOUT_SECONDS):
            rule = _("A time-out is 1 to %(most)d seconds.") % {"most": LONGEST_TIMEOUT_SECONDS}
            yield "timeout_seconds", refusal("InvalidField", rule, field="timeoutSeconds")
        if not _is_within(self.memory_limit_mb, SMALLEST_MEMORY_MB, LARGEST_MEMORY_MB):
            rule = _("A memory limit is {} to {} MB.").format(SMALLEST_MEMORY_MB, LARGEST_MEMORY_MB)
            yield "memory_limit_mb", refusal("InvalidField", rule, field="memoryLimitMb")
        if self.reuse not in Reuse.values:
            rule = _("Reuse is one of: %(values)s.") % {"values": ", ".join(Reuse.values)}
            yield "reuse", refusal("InvalidField", rule, field="reuse")

    def _source_error(self) -> ValidationError | None:
        found = contents(self.source)
        if (error := found.error) is not None:
            where = _("Line %(line)s: %(message)s") if error.line else "%(message)s"
            return refusal("InvalidScript", where, line=error.line, message=error.message)
        if not found.entry_points:
            rule = _("A script needs a function {}(engine, request) or {}(engine).").format(ON_API_TRIGGER, RUN)
            return refusal("InvalidScript", "%(message)s", line=None, message=rule)
        return None


def _are_parameter_names(names: object) -> bool:
    """`names` comes from JSON and may be anything."""
    if not isinstance(names, list):
        return False
    are_names = all(isinstance(name, str) and name.strip() and is_storable(name) for name in names)
    return are_names and len(set(names)) == len(names)


def _is_within(number: object, least: int, most: int) -> bool:
    return isinstance(number, int) and least <= number <= most


class WorkerNode(models.Model):
    """A number for each machine that runs or queues triggers. Whether the machine is alive, only Redis knows."""

    id = models.PositiveIntegerField(primary_key=True)
    host = models.CharField(max_length=255)
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("node")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.id} ({self.host})"
