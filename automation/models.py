"""Automation scripts, and the worker nodes that run them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation import history, libraries
from automation.builds import Build, NodeEnvironment, PackageLock
from automation.credentials import Credential, CredentialGrant
from automation.given_locks import GivenLock
from automation.package_plans import requirements_of
from automation.requirements import RequirementError, allowed_names, check
from automation.source import ON_API_TRIGGER, RUN, contents, has_entry_point
from automation.versions import LONGEST_NOTE, EntryPoints, LibraryUse, Reuse, ScriptKind, ScriptVersion
from foundation.texts import NAME_LENGTH, is_library_name, is_name, is_storable
from objects.authorship import AuthoredModel
from objects.changes import refusal
from objects.columns import DerivedBooleanField, DerivedIntegerField
from objects.field_changes import FieldChange, column_changes

__all__ = (
    "AutomationScript",
    "Build",
    "Credential",
    "CredentialGrant",
    "LibraryUse",
    "NodeEnvironment",
    "PackageLock",
    "Reuse",
    "ScriptKind",
    "ScriptVersion",
    "WorkerNode",
)

DEFAULT_TIMEOUT_SECONDS = 60
LONGEST_TIMEOUT_SECONDS = 86_400
DEFAULT_MEMORY_MB = 512
SMALLEST_MEMORY_MB = 64
LARGEST_MEMORY_MB = 65_536


class AutomationScript(EntryPoints, AuthoredModel):
    """A Python script that APIs run, or a library that scripts import. Its content is that of its current version.

    Whoever may write one can do everything that the worker's account can.
    """

    name = models.CharField(max_length=NAME_LENGTH, unique=True, blank=True)
    description = models.TextField(blank=True)
    kind = models.CharField(
        max_length=7, choices=ScriptKind.choices, default=ScriptKind.SCRIPT, db_default=ScriptKind.SCRIPT
    )
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
    current_version = models.PositiveIntegerField(null=True, editable=False)
    """The number of the version that runs; null until a script of the release before gets one."""
    pending_version = models.PositiveIntegerField(null=True, editable=False)
    """The number of the version whose content the script has, while that does not run: its build goes on or has failed.
    """
    versioned_revision = DerivedIntegerField(null=True, derive=lambda script: script.revision)
    """The revision of the last save that kept a version; the release before keeps none."""

    # How the next save makes a version, if it makes one.
    version_note = ""
    renews_libraries = False
    renews_packages = False
    wanted_version: int | None = None
    """The number of the version whose content it was given, and which the save makes current again."""
    with_libraries: Mapping[str, ScriptVersion] | None = None
    """Exactly these libraries, instead of those that the source needs now."""
    with_lock: GivenLock | None = None
    """Exactly these packages, instead of those that the version before has or that the index has now."""
    version_change = ""
    """What the last save did, for its event: `version 5`, or `back to version 3`."""

    in_use_reason = "ScriptInUse"
    undone_when_refused = (
        "current_version",
        "pending_version",
        "wanted_version",
        "version_note",
        "renews_libraries",
        "renews_packages",
        "with_libraries",
        "with_lock",
        "version_change",
    )
    own_rules = frozenset({"name", "kind", "parameters", "timeout_seconds", "memory_limit_mb", "reuse"})

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
            models.CheckConstraint(name="script_kind", condition=Q(kind__in=ScriptKind.values)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def written_version(self) -> int | None:
        """The number of the version whose content the script has."""
        return self.pending_version or self.current_version

    @classmethod
    def hold_for(cls, instances: Sequence[Self]) -> None:
        """Let no other writer change libraries meanwhile, if these scripts are libraries or import some."""
        if any(script.kind == ScriptKind.LIBRARY or contents(script.source).libraries for script in instances):
            libraries.hold_libraries()
        else:
            libraries.hold_stored_libraries([script.pk for script in instances if not script._state.adding])

    @classmethod
    def write_first(cls, instances: Sequence[Self]) -> None:
        """Keep a version of each script whose content is not that of its current version."""
        history.keep_versions(instances)

    def is_changed_from(self, stored: Mapping[str, Any]) -> bool:
        """Also for what no column shows: another version of a library or package, or an older version made current."""
        written = stored["pending_version"] or stored["current_version"]
        goes_back = self.wanted_version not in (None, written)
        return goes_back or any(column_changes(self, stored)) or history.makes_version(self)

    def take_over(self, stored: Mapping[str, Any]) -> None:
        super().take_over(stored)
        history.forget_wishes(self)
        self.version_change = ""

    def changes_from(self, stored: Mapping[str, Any]) -> Iterator[FieldChange]:
        """Of the source, only the number of its version is shown. It is known once `write_first` has kept that."""
        yield from column_changes(self, stored, but=("source",))
        before = stored["pending_version"] or stored["current_version"]
        if before != self.written_version:
            yield FieldChange("version", before, self.written_version)

    def refusal_of_delete(self) -> ValidationError | None:
        """`ScriptInUse` with `scriptLinks`."""
        # Whatever it is now: old versions may use one that it had as a library.
        libraries.hold_libraries()
        users = libraries.users_of(self.pk)
        return _in_use(users) if users else None

    def unique_error_message(self, model_class: type[models.Model], unique_check: Any) -> ValidationError:
        """`NameInUse` for the name, in place of Django's own code."""
        if unique_check == ("name",):
            return refusal("NameInUse", _("Another script has this name."))
        return super().unique_error_message(model_class, unique_check)

    def faults(self) -> Iterator[tuple[str, ValidationError]]:
        """`InvalidName`, `InvalidScript` (+ `line`, `message`), `InvalidField` (+ `field`), `ScriptInUse`
        (+ `scriptLinks`).
        """
        if (error := self._name_error()) is not None:
            yield "name", error
        if self.kind not in ScriptKind.values:
            rule = _("Kind is one of: %(values)s.") % {"values": ", ".join(ScriptKind.values)}
            yield "kind", refusal("InvalidField", rule, field="kind")
        yield from self._in_use_errors()
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
        if not is_storable(self.version_note) or len(self.version_note) > LONGEST_NOTE:
            rule = _("A note has at most %(most)d characters.") % {"most": LONGEST_NOTE}
            yield "version_note", refusal("InvalidField", rule, field="versionNote")

    def _name_error(self) -> ValidationError | None:
        if not is_name(self.name):
            rule = _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH}
            return refusal("InvalidName", rule)
        if self.kind == ScriptKind.LIBRARY and not is_library_name(self.name):
            return refusal("InvalidName", _("The name of a library is a Python identifier, such as text_tools."))
        return None

    def _in_use_errors(self) -> Iterator[tuple[str, ValidationError]]:
        """`ScriptInUse` if scripts use this library, and it is about to get another name or kind."""
        users = [] if self._state.adding else libraries.users_of(self.pk)
        if not users:
            return
        name, kind = type(self)._base_manager.filter(pk=self.pk).values_list("name", "kind").get()
        if self.name != name:
            yield "name", _in_use(users)
        if self.kind != kind:
            yield "kind", _in_use(users)

    def _source_error(self) -> ValidationError | None:
        found = contents(self.source)
        if (error := found.error) is not None:
            return _invalid_script(error.line, error.message)
        is_library = self.kind == ScriptKind.LIBRARY
        if is_library and found.entry_points:
            rule = _("A library has no entry point: rename the function {}.").format(found.entry_points[0])
            return _invalid_script(None, rule)
        if not is_library and not found.entry_points:
            rule = _("A script needs a function {}(engine, request) or {}(engine).").format(ON_API_TRIGGER, RUN)
            return _invalid_script(None, rule)
        try:
            if found.block is not None:
                check(found.block, allowed_names())
            used = history.resolve_libraries(self)
            requirements_of(self.kind, self.source, used)
        except (libraries.LibraryError, RequirementError) as unresolved:
            return _invalid_script(unresolved.line, unresolved.message)
        return None


def _in_use(users: Sequence[str]) -> ValidationError:
    rule = _("Scripts import this library: %(scripts)s. Remove the import from them first.")
    return refusal("ScriptInUse", rule, scriptLinks=users, scripts=", ".join(users))


def _invalid_script(line: int | None, message: str) -> ValidationError:
    where = _("Line %(line)s: %(message)s") if line else "%(message)s"
    return refusal("InvalidScript", where, line=line, message=message)


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
