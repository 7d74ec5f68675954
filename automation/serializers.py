"""Automation scripts and their versions as JSON."""

from typing import Any

from rest_framework import serializers

from automation.models import (
    DEFAULT_MEMORY_MB,
    DEFAULT_TIMEOUT_SECONDS,
    LARGEST_MEMORY_MB,
    LONGEST_TIMEOUT_SECONDS,
    SMALLEST_MEMORY_MB,
    AutomationScript,
)
from automation.versions import LONGEST_NOTE, Reuse, ScriptKind, ScriptVersion
from foundation.texts import NAME_LENGTH
from objects.serializers import (
    AuthoredSerializer,
    Choice,
    Flag,
    ListOf,
    Moment,
    Number,
    StrictSerializer,
    Text,
    TypedField,
)


class ScriptSerializer(AuthoredSerializer):
    """An automation script."""

    name = Text(allow_blank=False, max_length=NAME_LENGTH)
    description = Text(default="")
    kind = Choice(ScriptKind.values, default=str(ScriptKind.SCRIPT))
    source = Text(allow_blank=False)  # type: ignore[assignment]  # DRF's metaclass moves it out of the way of its own `source`
    parameters = ListOf(child=Text(allow_blank=False), default=list)
    timeoutSeconds = Number(default=DEFAULT_TIMEOUT_SECONDS, min_value=1, max_value=LONGEST_TIMEOUT_SECONDS)
    memoryLimitMb = Number(default=DEFAULT_MEMORY_MB, min_value=SMALLEST_MEMORY_MB, max_value=LARGEST_MEMORY_MB)
    reuse = Choice(Reuse.values, default=str(Reuse.WARM))
    currentVersion = Number(read_only=True, help_text="The number of the version that APIs run unless they are pinned.")
    versionNote = Text(
        write_only=True,
        required=False,
        max_length=LONGEST_NOTE,
        help_text="What the change is about; kept with the version.",
    )

    class Meta:
        model = AutomationScript


class EntryPointNames(ListOf):
    """The entry points that the source has."""

    def value_of(self, instance: ScriptVersion) -> list[str]:
        return instance.entry_points()


class UsedLibrarySerializer(StrictSerializer):
    """A library, directly or through others, in the version that a script was saved with."""

    name = Text()
    version = Number(source="number")


class UsedLibraries(TypedField, serializers.ListField):
    """The libraries that a version was saved with, also those that were deleted since."""

    json_type, expects = list, "a list"

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": UsedLibrarySerializer()} | options)

    def value_of(self, instance: ScriptVersion) -> list[dict[str, Any]]:
        uses = sorted(instance.library_uses.all(), key=lambda use: use.name)
        return [{"name": use.name, "version": use.number} for use in uses]


class IsCurrent(Flag):
    """Whether the version is its script's current one, whose number the rows have as `current_number`."""

    def value_of(self, instance: Any) -> bool:
        return bool(instance.number == instance.current_number)


class VersionSerializer(StrictSerializer):
    """A version of a script, without its source."""

    number = Number(min_value=1)
    contentHash = Text(help_text="SHA-256 of the content and of the libraries, in hexadecimal.")
    createdBy = Text()
    createdAt = Moment()
    note = Text(help_text="What the change was about.")
    kind = Choice(ScriptKind.values)
    parameters = ListOf(child=Text())
    timeoutSeconds = Number()
    memoryLimitMb = Number()
    reuse = Choice(Reuse.values)
    entryPoints = EntryPointNames(child=Text())
    libraries = UsedLibraries()
    isCurrent = IsCurrent()
