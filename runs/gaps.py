"""Records that never arrived. Each process numbers its records, so what is missing can be counted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from broker.client import client
from fleet import overview, redis_keys
from fleet.records import RunRecord
from foundation.times import now_milliseconds
from runs.models import RecordSource, RunsNotKept

PATIENCE_SECONDS = 60
"""A process sends a record again once Redis is back. After this long, it has not."""

MOST_RANGES = 1_000
_LARGEST_NUMBER = 2**53
LARGEST_COUNT = 2**31 - 1
_LONGEST_SOURCE = 32
_FORGOTTEN_AFTER = timedelta(days=1)

Range = Sequence[int]
"""First number, last number, since when (milliseconds since 1970). JSON turns it into a list."""


def watermarks() -> Mapping[str, int]:
    """Source → number of the last record that it has made, of the living nodes.

    Raises:
        redis.RedisError
    """
    return {
        living.instance: living.node.records for living in overview.look(with_leaving=True).nodes if living.node.records
    }


def note(found: Iterable[RunRecord], nodes: Collection[str]) -> None:
    """Note which numbers have arrived, in the transaction that stores the records. `nodes` are known to live."""
    arrived: dict[str, set[int]] = defaultdict(set)
    for record in found:
        if 0 < record.number <= _LARGEST_NUMBER and 0 < len(record.source) <= _LONGEST_SOURCE:
            arrived[record.source].add(record.number)
    # In this order, so that two processes do not wait for each other.
    for source in sorted(arrived):
        numbers = sorted(arrived[source])
        # The first records of a web server that was idle for long may have been forgotten.
        row = _row(source, 0 if source in nodes else numbers[0] - 1)
        for number in numbers:
            _arrive(row, number)
        row.save()


def settle(nodes: Mapping[str, int]) -> None:
    """Count the records that are missing for too long, and the logs and bodies that had no room.

    `nodes`: the watermarks of a moment since when the buffer was empty.

    Raises:
        redis.RedisError, django.db.Error
    """
    for source, number in nodes.items():
        _expect(source, number)
    if RecordSource.objects.exclude(missing=[]).exists():
        _count_overdue()
    if extras := int(client().hget(redis_keys.buffered(), "lost_extras") or 0):
        with transaction.atomic():
            count(extras=extras)
            client().hincrby(redis_keys.buffered(), "lost_extras", -extras)
    forgotten = RecordSource.objects.filter(seen_at__lt=timezone.now() - _FORGOTTEN_AFTER)
    if forgotten.exists():
        forgotten.delete()


def count(records: int = 0, extras: int = 0) -> None:
    """Count runs, and logs and bodies, that could not be kept, in the transaction of the caller."""
    if not records and not extras:
        return
    minute = timezone.now().replace(second=0, microsecond=0)
    row, _ = RunsNotKept.objects.select_for_update().get_or_create(minute=minute)
    row.records = min(row.records + records, LARGEST_COUNT)
    row.extras = min(row.extras + extras, LARGEST_COUNT)
    row.save()


def _row(source: str, highest: int) -> RecordSource:
    """The locked row of a source. If it is new, everything up to `highest` counts as arrived."""
    values = {"highest": highest, "seen_at": timezone.now()}
    row, _ = RecordSource.objects.select_for_update().get_or_create(source=source, defaults=values)
    row.seen_at = timezone.now()
    return row


def _arrive(row: RecordSource, number: int) -> None:
    if number > row.highest:
        _miss(row, number - 1)
        row.highest = number
    elif row.missing:
        row.missing = [part for known in row.missing for part in _without(known, number)]


def _miss(row: RecordSource, last: int) -> None:
    """Everything after the highest number up to `last` is missing from now on."""
    if last > row.highest:
        row.missing.append((row.highest + 1, last, now_milliseconds()))
        row.highest = last


def _without(known: Range, number: int) -> Iterator[Range]:
    first, last, since = known
    if not first <= number <= last:
        yield known
        return
    if first < number:
        yield first, number - 1, since
    if number < last:
        yield number + 1, last, since


@transaction.atomic
def _expect(source: str, number: int) -> None:
    """What a node has made and has not arrived is missing."""
    known = RecordSource.objects.filter(pk=source).values_list("highest", "seen_at").first()
    if known and known[0] >= number and timezone.now() - known[1] < _FORGOTTEN_AFTER / 2:
        return
    row = _row(source, 0)
    _miss(row, number)
    row.save()


@transaction.atomic
def _count_overdue() -> None:
    """Give up what is missing for too long, and the oldest of too many ranges."""
    lost, oldest = 0, now_milliseconds() - PATIENCE_SECONDS * 1_000
    for row in RecordSource.objects.exclude(missing=[]).order_by("pk").select_for_update():
        kept = [known for known in row.missing if known[2] > oldest][-MOST_RANGES:]
        if len(kept) < len(row.missing):
            lost += _size(row.missing) - _size(kept)
            row.missing = kept
            row.save()
    count(records=lost)


def _size(ranges: Iterable[Range]) -> int:
    return sum(last - first + 1 for first, last, _ in ranges)
