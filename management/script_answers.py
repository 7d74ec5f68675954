"""What `scripts/` answers besides scripts: versions, warnings, and what was renewed."""

from collections.abc import Iterable
from typing import Any, get_args

from rest_framework import serializers

from automation.builds import Build, BuildState, NodeEnvironment
from automation.renewal import Renewal
from automation.serializers import ScriptSerializer, VersionSerializer
from definitions.warnings import Consequence, Reason
from management.errors import RefusedError
from objects.serializers import Flag, Id, ListOf, StrictSerializer, Text, invalid_field


class ScriptVersionSerializer(VersionSerializer):
    """A version of a script, without its source."""

    pinnedBy = ListOf(
        child=Id(),
        required=False,
        help_text="The ids of the definitions that are pinned to it, for users who may view definitions.",
    )


class NodeBuildSerializer(serializers.Serializer[Any]):
    """How far a node has come with installing the packages of a version."""

    node = serializers.IntegerField(source="node_id")
    state = serializers.ChoiceField(BuildState.values)
    message = serializers.CharField(allow_blank=True)
    log = serializers.CharField(allow_blank=True)
    sizeBytes = serializers.IntegerField(source="size_bytes")
    python = serializers.CharField(allow_blank=True, help_text="Python and platform, such as `cp311-linux-x86_64`.")
    builtAt = serializers.DateTimeField(source="built_at", allow_null=True)


class BuildSerializer(serializers.Serializer[Any]):
    """What makes a version with packages ready to run."""

    state = serializers.ChoiceField(BuildState.values)
    message = serializers.CharField(allow_blank=True)
    line = serializers.IntegerField(allow_null=True)
    log = serializers.CharField(allow_blank=True, help_text="What resolving the packages has printed.")
    startedBy = serializers.CharField(source="started_by")
    startedAt = serializers.DateTimeField(source="started_at")
    endedAt = serializers.DateTimeField(source="ended_at", allow_null=True)
    nodes = NodeBuildSerializer(many=True, read_only=True)


class SingleScriptVersionSerializer(ScriptVersionSerializer):
    """A version of a script."""

    source = Text()  # type: ignore[assignment]  # DRF's metaclass moves it out of the way of its own `source`
    build = BuildSerializer(allow_null=True, help_text="Null for a version that needs nothing built.")


class RenewalRequestSerializer(StrictSerializer):
    """What is renewed besides the libraries."""

    packages = Flag(default=False, help_text="Resolve the packages anew, too, which always makes a new version.")


class WarningSerializer(serializers.Serializer[Any]):
    """What a change of a script does to APIs that run its current version."""

    reason = serializers.ChoiceField(get_args(Reason))
    detail = serializers.CharField()
    apiDefinitionIdLinks = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        help_text="Their ids, for users who may view definitions; others learn their number from the text.",
    )


class SavedScriptSerializer(ScriptSerializer):
    """A script, and what the change does to the APIs that run it."""

    warnings = WarningSerializer(many=True, required=False, help_text="Left out if there are none.")
    dependencies = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="The packages that the source and its libraries ask for; left out if there are none.",
    )


class RenewedSerializer(serializers.Serializer[Any]):
    """A script that was renewed."""

    id = serializers.UUIDField(required=False, help_text="In place of the rest, for users who may not view scripts.")
    name = serializers.CharField(required=False)
    version = serializers.IntegerField(required=False, help_text="The number of its new version.")


class NotRenewedSerializer(serializers.Serializer[Any]):
    """A script that keeps the libraries it has, and why."""

    id = serializers.UUIDField(required=False, help_text="In place of the rest, for users who may not view scripts.")
    name = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)
    line = serializers.IntegerField(
        required=False, allow_null=True, help_text="The line of its source, if there is one."
    )


class RenewalSerializer(serializers.Serializer[Any]):
    """What has become of the users of a library."""

    renewed = RenewedSerializer(many=True)
    refused = NotRenewedSerializer(many=True)


def known_state(text: str) -> str:
    """The state of builds that a query string asks for.

    Raises:
        ValidationError: `InvalidField`, there is no such state.
    """
    if text not in BuildState.values:
        raise invalid_field("state", f"The state is one of: {', '.join(BuildState.values)}.")
    return text


def as_build(build: Build | None) -> dict[str, object] | None:
    """A build as JSON, with what the nodes have done."""
    if build is None:
        return None
    nodes = NodeEnvironment.objects.filter(lock=build.lock_id).order_by("node_id") if build.lock_id else []
    answer: dict[str, object] = BuildSerializer(vars(build) | {"nodes": nodes}).data
    return answer


def as_warnings(found: Iterable[Consequence], *, with_ids: bool) -> list[dict[str, object]]:
    """The consequences as JSON, with the ids of the definitions, or their number in the text."""
    if with_ids:
        return [
            {
                "reason": each.reason,
                "detail": each.detail,
                "apiDefinitionIdLinks": sorted(str(definition.pk) for definition in each.definitions),
            }
            for each in found
        ]
    return [{"reason": each.reason, "detail": f"{each.detail} APIs: {len(each.definitions)}."} for each in found]


def as_renewal(done: Renewal, *, is_visible: bool) -> dict[str, list[dict[str, object]]]:
    """What was renewed, as JSON; only ids unless scripts are visible."""
    if not is_visible:
        scripts = {"renewed": done.renewed, "refused": [script for script, _ in done.refused]}
        return {what: [{"id": str(script.pk)} for script in found] for what, found in scripts.items()}
    renewed: list[dict[str, object]] = [
        {"name": script.name, "version": script.written_version} for script in done.renewed
    ]
    refused = [{"name": script.name} | _first(RefusedError(error)) for script, error in done.refused]
    return {"renewed": renewed, "refused": refused}


def _first(refusal: RefusedError) -> dict[str, object]:
    entry = refusal.entries()[0]
    return {name: entry.get(name) for name in ("reason", "detail", "line")}
