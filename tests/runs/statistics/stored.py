"""Calls that have been counted."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from definitions.models import ApiDefinition
from fleet.records import RunStatus
from hosts.jobs import RunKind
from runs.statistics.figures import COUNTED
from runs.store import store_records
from tests.runs.records import ended, id_at

STATUSES = {column: RunStatus(status) for status, column in COUNTED.items()}


def store_calls(
    definition: ApiDefinition,
    ago: timedelta = timedelta(minutes=2),
    milliseconds: int = 80,
    kind: RunKind = RunKind.TRIGGER,
    token: UUID | None = None,
    **counts: int,
) -> None:
    """Store as many runs of an API, all accepted at the same time: `store_calls(api, succeeded=3, failed=1)`."""
    known: dict[str, Any] = {"definition_id": str(definition.pk), "route": definition.route, "kind": kind}
    known |= {"script_id": str(definition.script_id), "token_id": str(token or "")}
    times = {"queue_milliseconds": 5, "run_milliseconds": milliseconds}
    moment = timezone.now() - ago
    ends = {"ended_at": int(moment.timestamp() * 1_000) + milliseconds}
    statuses = [STATUSES[name] for name, count in counts.items() for _number in range(count)]
    store_records([ended(status, id=id_at(moment), **ends, **known, **times) for status in statuses])
