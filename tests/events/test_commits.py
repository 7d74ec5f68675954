"""Each commit has its event, and positions follow the order in which events become visible."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from events import positions
from events.models import InformationEvent
from testbed.changed import altered
from testbed.publisher import Publisher
from testbed.stack import ROOT
from tokens.models import ApiToken

PROCESSES = 8
CHANGES = 40


def test_each_committed_change_has_one_event_even_if_processes_are_killed_at_a_commit(open_db):
    """The revision of an object counts its committed saves, so it must equal the number of its events."""
    base = random.randrange(10**6)
    print(f"seeds from {base}")
    changing = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.events.fatal_changes", str(base + number), str(CHANGES), str(number % 2)],
            cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    outputs = [process.communicate(timeout=120)[1] for process in changing]
    assert [process.returncode for process in changing[::2]] == [0] * (PROCESSES // 2), outputs
    assert {process.returncode for process in changing[1::2]} <= {0, -signal.SIGKILL}, outputs
    assert -signal.SIGKILL in {process.returncode for process in changing[1::2]}
    events = list(InformationEvent.objects.order_by("number").values_list("object_id", "verb", "user"))
    assert len(events) > PROCESSES // 2 * CHANGES
    saved = Counter(object_id for object_id, verb, _ in events if verb != "deleted")
    deleted = Counter(object_id for object_id, verb, _ in events if verb == "deleted")
    stored = dict(ApiToken.objects.values_list("pk", "revision"))
    assert stored == {object_id: count for object_id, count in saved.items() if object_id not in deleted}
    assert set(deleted.values()) <= {1}
    assert not stored.keys() & deleted.keys()
    positions.give()
    given = list(InformationEvent.objects.order_by("position").values_list("position", flat=True))
    assert None not in given
    assert len(given) == len(set(given)) == len(events)


def _change() -> None:
    try:
        Publisher().token()
    finally:
        connections.close_all()


def test_change_that_is_committed_later_gets_a_later_position(open_db):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with transaction.atomic():
        early, _ = Publisher().token()
        other = threading.Thread(target=_change)
        other.start()
        other.join(10)
        assert not other.is_alive(), "one change waits for the other"
        with ThreadPoolExecutor(1) as elsewhere:
            seen = elsewhere.submit(_give).result()
    assert positions.give() == seen + 1
    overtaken = InformationEvent.objects.get(position__gt=seen)
    late = InformationEvent.objects.get(position=seen)
    assert overtaken.object_id == early.pk
    assert overtaken.number < late.number


def _give() -> int:
    try:
        return positions.give()
    finally:
        connections.close_all()


def test_reader_that_only_looks_forward_misses_no_event(open_db):
    """Several readers assign positions while several writers commit."""
    done = threading.Event()

    def read() -> list[int]:
        seen: list[int] = []
        start = positions.last()
        try:
            while True:
                was_done = done.is_set()
                positions.give()
                after = seen[-1] if seen else start
                new = InformationEvent.objects.filter(position__gt=after).order_by("position")
                seen += [position for position in new.values_list("position", flat=True) if position is not None]
                if was_done:
                    return seen
        finally:
            connections.close_all()

    def write() -> None:
        for _ in range(25):
            _change()

    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read) for _ in range(3)]
        for writer in [threads.submit(write) for _ in range(4)]:
            writer.result()
        done.set()
        streams = [reader.result() for reader in readers]
    everything = list(InformationEvent.objects.order_by("position").values_list("position", flat=True))
    assert len(everything) == 100
    assert streams == [everything] * 3


def test_two_changes_that_lock_each_others_objects_do_not_deadlock_over_events(open_db):
    """One change has written its event and then locks what the other holds, which only then writes its event."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    (first, _), (second, _) = Publisher().token(), Publisher().token()
    has_event, holds = threading.Event(), threading.Event()

    def one() -> None:
        try:
            with transaction.atomic():
                altered(first).save()
                has_event.set()
                assert holds.wait(10)
                list(ApiToken._base_manager.select_for_update().filter(pk=second.pk))
        finally:
            connections.close_all()

    def two() -> None:
        try:
            with transaction.atomic():
                list(ApiToken._base_manager.select_for_update().filter(pk=second.pk))
                assert has_event.wait(10)
                holds.set()
                altered(second).save()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(one), threads.submit(two)]:
            each.result(20)
    assert InformationEvent.objects.count() == 4
