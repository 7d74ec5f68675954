"""Records of runs as the product's processes make them."""

from datetime import datetime
from typing import Any

from broker.client import client
from fleet import redis_keys
from fleet.record_scripts import RECORD
from fleet.records import Authority, RunExtras, RunRecord, RunStatus, encode
from foundation.ids import new_run_id
from hosts.jobs import RunKind
from testbed import run_rows


def ended(status: RunStatus = RunStatus.SUCCEEDED, **values: Any) -> RunRecord:
    """What a node says of a run that has ended."""
    told: dict[str, Any] = {"id": new_run_id(), "kind": RunKind.TRIGGER, "authority": Authority.ENDED, "status": status}
    return RunRecord(**told | values)


def id_at(moment: datetime) -> str:
    """A new id of a run that is accepted at `moment`."""
    return str(run_rows.id_at(moment))


def hand_over(*records: RunRecord, extras: dict[str, RunExtras] | None = None) -> None:
    """Put records, with the extras of some ids, into the buffer in Redis."""
    for record in records:
        RECORD.run(client(), redis_keys.to_record(), *encode((record, (extras or {}).get(record.id))))


def buffered() -> tuple[int, int]:
    """How many entries the buffer holds, and how many bytes it says that they take."""
    length = client().xlen(redis_keys.records()) + client().xlen(redis_keys.extras())
    return length, int(client().hget(redis_keys.buffered(), "bytes") or 0)


def seen(authority: Authority, status: RunStatus, **values: Any) -> RunRecord:
    """What was seen of a run that waits or goes on."""
    return ended(status, authority=authority, **values)
