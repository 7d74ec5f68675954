"""When credentials were last used: at the end of the latest run that has read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from automation.credentials import note_use
from fleet.records import RunRecord
from runs.merge import moment_of, run_id_of, uuid_of


def note(found: Sequence[RunRecord]) -> None:
    """Note the uses in the transaction of the caller, with one statement for each credential.

    Raises:
        ValueError: a record has no id of a run.
        django.db.Error
    """
    latest: dict[UUID, datetime] = {}
    for record in found:
        if record.credentials_used:
            moment = moment_of(record.ended_at or 0, run_id_of(record.id))
            for key in map(uuid_of, record.credentials_used):
                if key is not None:
                    latest[key] = max(latest.get(key, moment), moment)
    # In the order of ids, so that two processes do not wait for each other.
    for key in sorted(latest):
        note_use([key], latest[key])
