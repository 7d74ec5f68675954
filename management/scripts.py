"""`scripts/`: the automation scripts, addressed by name."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet

from access.policy import SCRIPT
from automation.models import (
    DEFAULT_MEMORY_MB,
    DEFAULT_TIMEOUT_SECONDS,
    LARGEST_MEMORY_MB,
    LONGEST_TIMEOUT_SECONDS,
    SMALLEST_MEMORY_MB,
    AutomationScript,
    Reuse,
)
from definitions.publication import refused_publishing
from foundation.texts import NAME_LENGTH, is_storable
from management.errors import PermissionDeniedError
from management.fields import Authored, Choice, Number, Several, Text, Values, authorship
from management.filters import TEXT, Filters
from management.object_views import ObjectViewSet, operations
from management.openapi import NAME
from objects.changes import save_checked


class ScriptSerializer(Authored):
    """An automation script."""

    name = Text(max_length=NAME_LENGTH)
    description = Text(default="")
    source = Text()  # type: ignore[assignment]  # what DRF's fields have by this name is not asked for here
    parameters = Several(child=Text(), default=list)
    timeoutSeconds = Number(default=DEFAULT_TIMEOUT_SECONDS, min_value=1, max_value=LONGEST_TIMEOUT_SECONDS)
    memoryLimitMb = Number(default=DEFAULT_MEMORY_MB, min_value=SMALLEST_MEMORY_MB, max_value=LARGEST_MEMORY_MB)
    reuse = Choice(Reuse.values, default=str(Reuse.WARM))


_COLUMNS = {
    "name": "name",
    "description": "description",
    "source": "source",
    "parameters": "parameters",
    "timeoutSeconds": "timeout_seconds",
    "memoryLimitMb": "memory_limit_mb",
    "reuse": "reuse",
}


class ScriptViewSet(ObjectViewSet[AutomationScript]):
    """Automation scripts. Whoever may change them acts with the account that worker nodes run under."""

    model = AutomationScript
    label = SCRIPT
    serializer_class = ScriptSerializer
    content: ClassVar = tuple(_COLUMNS.values())
    filters = Filters(
        own={"name": ("name", TEXT)},
        order={"name": "name"},
        searched=("name", "description"),
        default="name",
    )
    operations: ClassVar = operations("scripts", ScriptSerializer, filters, key=NAME)

    def rows(self) -> "QuerySet[AutomationScript]":
        """All scripts."""
        return AutomationScript.objects.all()

    def answers(self, objects: Sequence[AutomationScript]) -> list[Values]:
        """The scripts as they are on the wire."""
        return [_answer(script) for script in objects]

    def store(self, instance: AutomationScript, values: Values, by: str) -> None:
        """Fill in, and save.

        Raises:
            PermissionDeniedError: it amounts to publishing code, which the user may not.
        """
        stored = AutomationScript.objects.filter(pk=instance.pk).first()
        for name, column in _COLUMNS.items():
            setattr(instance, column, values.get(name, getattr(instance, column)))
        refused = refused_publishing(self.request.user, stored, instance.name, instance.source)
        if refused is not None:
            raise PermissionDeniedError(str(refused))
        save_checked(instance, by)

    def _find(self, rows: "QuerySet[Any]", key: str) -> Any:
        """By name; by id a script is found whose name cannot stand in an address."""
        found = rows.filter(name=key).first() if is_storable(key) else None
        if found is not None:
            return found
        return super()._find(rows, key)


def _answer(script: AutomationScript) -> Values:
    content = {name: getattr(script, column) for name, column in _COLUMNS.items()}
    return {"id": str(script.pk)} | content | authorship(script)
