"""From the buffer in Redis to the database: batches of records, each run once."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import DataError, IntegrityError, connection, transaction

from broker.client import client
from broker.lease import Lease
from fleet import records, redis_keys
from fleet.record_scripts import STORED
from fleet.records import RunExtras, RunRecord
from runs import credential_uses, failing_apis, gaps, merge, request_masks, statements
from runs.models import Run, RunBodies, RunLog
from runs.statistics.counters import RunChanges
from tokens.models import ApiToken

BATCH = 250
EXTRAS_BATCH = 25
"""Each takes up to 190 KB, several times while it is stored."""
_LEASE = "runs"
_LEASE_SECONDS = 10
_LONGEST_SECONDS = 5.0
_OVERHEAD = 100
"""What the buffer counts for an entry besides its bytes (`fleet.lua_parts`)."""

_REFUSALS: Final = (DataError, IntegrityError, ValueError, OverflowError)
"""The database refuses a value, now and later. With any other error it may take the value the next time."""

_log = logging.getLogger("udapi.manager")

_Entries = Sequence[tuple[bytes, Mapping[bytes, bytes]]]


@dataclass(frozen=True)
class Batch:
    """What was read from the two streams: ids and sizes of all entries, and those that can be read."""

    record_sizes: Mapping[bytes, int]
    extra_sizes: Mapping[bytes, int]
    records: Sequence[RunRecord]
    extras: Sequence[RunExtras]

    @property
    def is_last(self) -> bool:
        """Whether nothing else was in the buffer."""
        return len(self.record_sizes) < BATCH and len(self.extra_sizes) < EXTRAS_BATCH

    @property
    def failed(self) -> set[UUID]:
        """The definitions with a run that failed."""
        found = (record.definition_id for record in self.records if record.status in failing_apis.FAILURES)
        return {key for key in map(merge.uuid_of, found) if key is not None}


def store_all() -> int | None:
    """Store what is in the buffer; returns how many records, or None if another process does it now.

    Raises:
        redis.RedisError, django.db.Error: the rest stays in the buffer.
    """
    lease = Lease(_LEASE, _LEASE_SECONDS)
    if not lease.hold():
        return None
    try:
        # Read before the records: what a node has made by then is in the buffer, or on its way.
        return _store_batches(lease, gaps.watermarks())
    finally:
        lease.release()


def _store_batches(lease: Lease, watermarks: Mapping[str, int]) -> int:
    until, stored, is_empty = time.monotonic() + _LONGEST_SECONDS, 0, False
    failed: set[UUID] = set()
    while not is_empty and time.monotonic() < until and lease.hold():
        batch = _read()
        _store(batch, watermarks)
        _remove(batch)
        stored += len(batch.records)
        failed |= batch.failed
        is_empty = batch.is_last
    # What is still in the buffer is not missing.
    if is_empty and lease.hold():
        gaps.settle(watermarks)
    if is_empty or failed:
        failing_apis.check(failed)
    return stored


def _read() -> Batch:
    with client().pipeline(transaction=False) as pipeline:
        pipeline.xrange(redis_keys.records(), count=BATCH)
        pipeline.xrange(redis_keys.extras(), count=EXTRAS_BATCH)
        found_records, found_extras = pipeline.execute()
    return Batch(
        _sizes(found_records),
        _sizes(found_extras),
        [decoded for _, fields in found_records for decoded in _decoded(records.decode_record, fields.get(b"r", b""))],
        [decoded for _, fields in found_extras for decoded in _decoded(records.decode_extras, fields.get(b"x", b""))],
    )


def _sizes(entries: _Entries) -> Mapping[bytes, int]:
    return {key: sum(map(len, fields.values())) + _OVERHEAD for key, fields in entries}


def _decoded(decode: Any, frame: bytes) -> Iterator[Any]:
    try:
        yield decode(frame)
    except msgspec.MsgspecError as error:
        # A numbered record is then missing, and counted.
        _log.error("a record of a run cannot be read: %s", error)


def _remove(batch: Batch) -> None:
    entries = (*batch.record_sizes.items(), *batch.extra_sizes.items())
    if entries:
        pairs = [part for entry in entries for part in entry]
        STORED.run(client(), redis_keys.to_record(), len(batch.record_sizes), *pairs)


def _store(batch: Batch, nodes: Mapping[str, int]) -> None:
    if not batch.records and not batch.extras:
        return
    try:
        with transaction.atomic():
            store_records(batch.records)
            store_extras(batch.extras)
            gaps.note(batch.records, nodes)
    except _REFUSALS:
        _store_one_by_one(batch, nodes)


def _store_one_by_one(batch: Batch, nodes: Mapping[str, int]) -> None:
    """Store the rows that the database takes; count the others."""
    refused = sum(not _is_stored(store_records, record) for record in batch.records)
    refused_extras = sum(not _is_stored(store_extras, extras) for extras in batch.extras)
    with transaction.atomic():
        gaps.note(batch.records, nodes)
        gaps.count(refused, refused_extras)


def _is_stored(store: Callable[[list[Any]], None], row: RunRecord | RunExtras) -> bool:
    try:
        with transaction.atomic():
            store([row])
    except _REFUSALS as error:
        _log.error("the run %r cannot be stored: %s", row.id[:40], str(error).partition("\n")[0])
        return False
    return True


@transaction.atomic(savepoint=False)
def store_records(found: Sequence[RunRecord]) -> None:
    """Store each run once, whatever is stored of it already, in the transaction of the caller if there is one.

    So is what its script has said, and when it used credentials.

    Raises:
        ValueError: a record has no id of a run.
        django.db.Error
    """
    new: dict[UUID, dict[str, Any]] = {}
    for record in found:
        columns = merge.columns(record)
        key = columns["id"]
        new[key] = merge.merged(new[key], columns) if key in new else columns
    name_tokens(new.values())
    changes = RunChanges()
    _update_known(new, changes)
    # In the order of ids, so that two processes do not wait for each other.
    while new and not _insert_all([new[key] for key in sorted(new)]):
        # Another process has just stored some of them.
        _update_known(new, changes)
    for columns in new.values():
        changes.insert(columns)
    changes.apply()
    statements.record(found)
    credential_uses.note(found)


def _update_known(new: dict[UUID, dict[str, Any]], changes: RunChanges) -> None:
    """Merge rows into those that are stored already, and take them out of `new`."""
    for run in Run.objects.filter(pk__in=list(new)).order_by("pk").select_for_update():
        known = merge.columns_of(run)
        wanted = merge.merged(known, new.pop(run.pk))
        _update(known, wanted)
        changes.replace(known, wanted)


def _update(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    changes = {name: value for name, value in wanted.items() if value != known[name]}
    if changes:
        Run.objects.filter(pk=known["id"]).update(**changes)


def name_tokens(rows: Collection[dict[str, Any]]) -> None:
    """A run keeps the name that its token had."""
    wanted = {row["token_id"] for row in rows} - {None}
    names = dict(ApiToken._base_manager.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}
    for row in rows:
        row["token_name"] = names.get(row["token_id"], "")


@cache
def _insertion() -> tuple[str, Sequence[str], Sequence[bool]]:
    """The statement, the names of its columns, and which of them are UUIDs.

    Django's `bulk_create` takes several times as long, and this runs for every trigger.
    """
    fields = Run._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    into = f"INSERT INTO {connection.ops.quote_name(Run._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608
    return (
        f"{into} ON CONFLICT DO NOTHING",
        [field.attname for field in fields],
        [field.get_internal_type() == "UUIDField" for field in fields],
    )


def _insert_all(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Insert the rows, or none of them if any is stored already; returns whether they are inserted."""
    with transaction.atomic():
        is_complete = _insert(rows) == len(rows)
        transaction.set_rollback(not is_complete)
    return is_complete


def _insert(rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose ids are not stored yet; returns how many."""
    statement, names, are_ids = _insertion()
    is_native = connection.features.has_native_uuid_field
    with connection.cursor() as cursor:
        cursor.executemany(statement, [_values(row, names, are_ids, is_native=is_native) for row in rows])
        return int(cursor.rowcount)


def _values(row: Mapping[str, Any], names: Sequence[str], are_ids: Sequence[bool], *, is_native: bool) -> list[Any]:
    values = [row[name] for name in names]
    if is_native:
        return values
    pairs = zip(values, are_ids, strict=True)
    return [value.hex if is_id and value is not None else value for value, is_id in pairs]


def store_extras(found: Sequence[RunExtras]) -> None:
    """Store logs and bodies. Those of a run that is stored twice are the same.

    Raises:
        ValueError: some have no id of a run, or of a script.
        django.db.Error
    """
    ordered = sorted(request_masks.masked(found), key=lambda each: each.id)
    logs = [RunLog(run_id=merge.run_id_of(each.id), text=each.log) for each in ordered if each.log]
    bodies = [
        RunBodies(run_id=merge.run_id_of(each.id), request=_text(each.request), response=_text(each.response))
        for each in ordered
        if each.request
    ]
    RunLog.objects.bulk_create(logs, ignore_conflicts=True)
    RunBodies.objects.bulk_create(bodies, ignore_conflicts=True)


def _text(frame: bytes) -> str:
    return frame.decode(errors="replace")
