"""Automation scripts as JSON."""

from automation.models import (
    DEFAULT_MEMORY_MB,
    DEFAULT_TIMEOUT_SECONDS,
    LARGEST_MEMORY_MB,
    LONGEST_TIMEOUT_SECONDS,
    SMALLEST_MEMORY_MB,
    AutomationScript,
)
from automation.versions import LONGEST_NOTE, Reuse, ScriptKind
from foundation.texts import NAME_LENGTH
from objects.serializers import AuthoredSerializer, Choice, ListOf, Number, Text


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
