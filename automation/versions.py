"""Versions: what a script was after each change, and the libraries that it was saved with. A version never changes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy

from automation.source import ON_API_TRIGGER, RUN
from foundation.texts import NAME_LENGTH
from objects.authorship import USER_NAME_LENGTH
from objects.columns import CompressedTextField
from objects.managers import ClosedManager

LONGEST_NOTE: Final = 1_000

CONTENT: Final = ("kind", "source", "parameters", "timeout_seconds", "memory_limit_mb", "reuse")
"""The columns of a script that its versions keep."""


class ScriptKind(models.TextChoices):
    """What a script is for."""

    SCRIPT = "Script", gettext_lazy("Script: APIs and other scripts run it")
    LIBRARY = "Library", gettext_lazy("Library: scripts import it")


class Reuse(models.TextChoices):
    """What becomes of a script's process after a run."""

    WARM = "warm", gettext_lazy("Reuse the process (faster)")
    FRESH = "fresh", gettext_lazy("New process every time (isolated)")


class EntryPoints:
    """What scripts and versions have in common: the entry points that the source had when it was saved."""

    has_api_trigger: Any
    has_run: Any

    def entry_points(self) -> list[str]:
        present = {ON_API_TRIGGER: self.has_api_trigger, RUN: self.has_run}
        return [name for name, is_there in present.items() if is_there]


class ScriptVersion(EntryPoints, models.Model):
    """A script as a save has left it. Only retention, or deleting the script, removes it."""

    # Without a constraint: the release before deletes scripts and knows no versions.
    script = models.ForeignKey(
        "automation.AutomationScript",
        on_delete=models.CASCADE,
        related_name="versions",
        db_index=False,
        db_constraint=False,
    )
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    """SHA-256 of the content and of the libraries, in hexadecimal; see `content_hash`."""
    created_by = models.CharField(max_length=USER_NAME_LENGTH)
    created_at = models.DateTimeField()
    note = models.CharField(max_length=LONGEST_NOTE, blank=True, default="")
    kind = models.CharField(max_length=7, choices=ScriptKind.choices)
    parameters = models.JSONField(default=list, blank=True)
    timeout_seconds = models.PositiveIntegerField(gettext_lazy("time-out (seconds)"))
    memory_limit_mb = models.PositiveIntegerField(gettext_lazy("memory limit (MB)"))
    reuse = models.CharField(gettext_lazy("process"), max_length=5, choices=Reuse.choices)
    has_api_trigger = models.BooleanField()
    has_run = models.BooleanField()
    # The last column, because SQLite reads all that stand before the ones that a trigger needs.
    source = CompressedTextField()

    objects = ClosedManager()

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("version")
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["script", "number"], name="version_number_once")]

    def __str__(self) -> str:
        return f"{self.script_id} version {self.number}"

    def libraries(self) -> dict[str, "ScriptVersion | None"]:
        """The libraries that it was saved with, by name; None for one that was deleted since."""
        return {use.name: use.library for use in self.library_uses.select_related("library").order_by("name")}


class LibraryUse(models.Model):
    """A library, directly or through others, that a version was saved with, in the version that it had then."""

    version = models.ForeignKey(ScriptVersion, on_delete=models.CASCADE, related_name="library_uses", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    number = models.PositiveIntegerField()
    library = models.ForeignKey(ScriptVersion, on_delete=models.SET_NULL, null=True, related_name="uses")

    objects = ClosedManager()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "name"], name="library_used_once")]

    def __str__(self) -> str:
        return f"{self.name} version {self.number}"


def content_hash(content: Mapping[str, Any], libraries: Mapping[str, str]) -> str:
    """The hash of a version: of what `CONTENT` names, and of the hashes of its `libraries` by name.

    It is stored and exported, so what it covers must not change.
    """
    whole = {name: content[name] for name in CONTENT} | {"libraries": dict(libraries)}
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(holder: Any) -> dict[str, Any]:
    """What a script or a version has in the columns of `CONTENT`."""
    return {name: _plain(getattr(holder, name)) for name in CONTENT}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, models.TextChoices) else value
