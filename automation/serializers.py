"""Automation scripts, their versions and credentials as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from rest_framework import serializers

from automation.builds import BuildState, PackageLock, build_of, state_of
from automation.credential_changes import scripts_named
from automation.credentials import LARGEST_VALUE_BYTES, Credential, CredentialGrant
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
    MovingMoment,
    Number,
    StrictSerializer,
    Text,
    TypedField,
    Values,
)


class MovingVersion(Number):
    """The number of a version, or null. The end of a build changes it without a change of the script, so a client may
    send back what it read before.
    """

    def is_present(self, value: object, present: object) -> bool:
        is_number = value is None or type(value) is int
        return value == present or (is_number and cast("ScriptSerializer", self.parent).was_read_before_build())


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
    currentVersion = MovingVersion(
        read_only=True,
        allow_null=True,
        help_text="The number of the version that APIs run unless they are pinned; null before the first is ready.",
    )
    pendingVersion = MovingVersion(
        read_only=True,
        allow_null=True,
        help_text="The number of the version that has the content shown here, while it does not run: its packages are "
        "being installed, or could not be.",
    )
    versionNote = Text(
        write_only=True,
        required=False,
        max_length=LONGEST_NOTE,
        help_text="What the change is about; kept with the version.",
    )

    class Meta:
        model = AutomationScript

    def was_read_before_build(self) -> bool:
        """Whether the body names the present version as the one that waits for its build."""
        script, sent = self.instance, self.initial_data.get("pendingVersion")
        if script is None or script.pending_version is not None:
            return False
        return sent is not None and bool(sent == script.current_version)


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


class VersionState(Choice):
    """Whether a version can run."""

    def value_of(self, instance: ScriptVersion) -> str:
        return state_of(instance).value


class BuildMessage(Text):
    """Why a version could not be built."""

    def value_of(self, instance: ScriptVersion) -> str:
        build = build_of(instance)
        return "" if build is None else build.message


class BuildLine(Number):
    """The line that the message is about."""

    def value_of(self, instance: ScriptVersion) -> int | None:
        build = build_of(instance)
        return None if build is None else build.line


class PackageSerializer(StrictSerializer):
    """A package in the version that a script has."""

    name = Text()
    version = Text()


class LockedPackages(TypedField, serializers.ListField):
    """What the packages that a version needs were resolved to."""

    json_type, expects = list, "a list"

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": PackageSerializer()} | options)

    def value_of(self, instance: ScriptVersion) -> list[dict[str, Any]]:
        build = build_of(instance)
        return [] if build is None or build.lock is None else packages_of(build.lock)


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
    state = VersionState(BuildState.values, help_text="Only a version that is Ready runs.")
    message = BuildMessage(help_text="Why it is Failed.")
    line = BuildLine(allow_null=True, help_text="The line of the source that the message is about.")
    packages = LockedPackages(help_text="Empty until they are resolved.")


class ScriptNames(ListOf):
    """The names of the scripts that a credential is granted to, which `save_credential` stores."""

    is_column = False

    def to_internal_value(self, data: Any) -> set[UUID]:  # type: ignore[override]
        return scripts_named(super().to_internal_value(data))

    def value_of(self, instance: Credential) -> list[str]:
        """From the single query of the list, or else from a query of its own."""
        if instance._state.adding:
            return []
        allowed: Mapping[UUID, list[str]] = self.context.get("allowed_scripts") or allowed_scripts([instance])
        return allowed.get(instance.pk, [])


class CredentialValue(Text):
    """A value is written and never read."""

    is_column = False

    def __init__(self, **options: Any) -> None:
        limits = {"allow_blank": False, "min_length": 1, "max_length": LARGEST_VALUE_BYTES}
        help_text = "1 byte to 16 KB in UTF-8. A new credential needs it; without it, an existing one keeps its own."
        super().__init__(**limits | {"write_only": True, "required": False, "help_text": help_text} | options)


class CredentialListSerializer(serializers.ListSerializer[Any]):
    """Reads the scripts of all credentials in one query."""

    def to_representation(self, data: Iterable[Credential]) -> list[Values]:  # type: ignore[override]
        credentials = list(data)
        cast("dict[str, Any]", self.context)["allowed_scripts"] = allowed_scripts(credentials)
        return super().to_representation(credentials)


class CredentialSerializer(AuthoredSerializer):
    """A credential. Nobody can read its value."""

    name = Text(allow_blank=False, max_length=NAME_LENGTH)
    description = Text(default="")
    allowedScripts = ScriptNames(
        child=Text(), default=list, help_text="The names of the scripts that can read the value."
    )
    lastUsedAt = MovingMoment(allow_null=True, help_text="When a run last read the value.")
    value = CredentialValue()

    class Meta:
        model = Credential
        list_serializer_class = CredentialListSerializer

    def validate(self, attrs: Values) -> Values:
        """A replaced credential is granted to nobody unless the body says to whom."""
        if not self.partial:
            attrs.setdefault("allowed_scripts", set())
        return attrs


def packages_of(lock: PackageLock) -> list[dict[str, Any]]:
    return [{"name": name, "version": version} for name, version in lock.packages]


def allowed_scripts(credentials: Sequence[Credential]) -> dict[UUID, list[str]]:
    """The names of the scripts that each credential is granted to, in one query."""
    allowed: dict[UUID, list[str]] = {credential.pk: [] for credential in credentials}
    rows = CredentialGrant.objects.filter(credential__in=allowed).order_by("script__name")
    for credential_id, name in rows.values_list("credential", "script__name"):
        allowed[credential_id].append(name)
    return allowed
