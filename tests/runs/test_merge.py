"""One run out of several records: whatever their order, and however often they come."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.records import (
    LONGEST_SAID,
    MOST_CREDENTIALS,
    MOST_SAID,
    Authority,
    RunRecord,
    RunStatus,
    decode_record,
    encode,
)
from foundation.ids import first_id_at
from hosts.jobs import RunKind
from runs import merge
from runs.models import Run

ACCEPTED = datetime(2026, 1, 31, 12, tzinfo=UTC)
RUN_ID = str(first_id_at(ACCEPTED))
AT = int(ACCEPTED.timestamp() * 1_000)
FACTS = {
    "definition_id": "c4cc7192-6ff5-4ca5-aae0-57c8615e25c8",
    "route": "encoders/status",
    "method": "GET",
    "script_name": "echo",
    "script_version": 4,
    "node": 3,
    "queue_milliseconds": 0,
    "request_bytes": 17,
}
"""What is true of the run. Each record knows a part of it."""


def record(authority: Authority, status: RunStatus, **values: object) -> RunRecord:
    told: dict[str, Any] = {"id": RUN_ID, "kind": RunKind.MESSAGE, "authority": authority, "status": status}
    return RunRecord(**told | values)


def row(*records: RunRecord) -> dict[str, object]:
    """The row that is stored after these records have come in this order."""
    stored = merge.columns(records[0])
    for each in records[1:]:
        stored = merge.merged(stored, merge.columns(each))
    return stored


known = st.sets(st.sampled_from(sorted(FACTS))).map(lambda names: {name: FACTS[name] for name in names})
ended_at = st.integers(AT, AT + 100_000)
errors = st.sampled_from(["UnexpectedException", "ScriptTimeout", "RunCancelled", ""])
final = st.sampled_from([status for status in RunStatus if status not in (RunStatus.QUEUED, RunStatus.RUNNING)])


def outcomes(authority: Authority) -> st.SearchStrategy[RunRecord]:
    return st.builds(
        lambda status, facts, moment, reason, message: record(
            authority, status, **facts, ended_at=moment, reason=reason, message=message
        ),
        final,
        known,
        ended_at,
        errors,
        st.sampled_from(["", "boom", "late"]),
    )


def seen(authority: Authority, status: RunStatus) -> st.SearchStrategy[list[RunRecord]]:
    return st.lists(known.map(lambda facts: record(authority, status, **facts)), max_size=2)


histories = st.tuples(
    seen(Authority.SEEN_WAITING, RunStatus.QUEUED),
    seen(Authority.SEEN_RUNNING, RunStatus.RUNNING),
    st.lists(outcomes(Authority.PRESUMED), max_size=2),
    st.lists(outcomes(Authority.ENDED), max_size=1),
    st.lists(outcomes(Authority.TOLD), max_size=2),
).map(lambda parts: [each for part in parts for each in part])
"""The records of one run. A node ends it once; the process that cancels it and the web server may both tell of it."""


@given(data=st.data(), history=histories.filter(bool))
def test_any_order_and_repetition_of_the_records_gives_the_same_row(data, history):
    shuffled = data.draw(st.permutations(history))
    repeated = [*shuffled, *data.draw(st.lists(st.sampled_from(history), max_size=4))]
    assert row(*repeated) == row(*history)


@given(history=histories, told=outcomes(Authority.TOLD), data=st.data())
def test_what_the_caller_was_told_is_never_overwritten(history, told, data):
    others = [each for each in history if each.authority is not Authority.TOLD]
    stored = row(*data.draw(st.permutations([told, *others])))
    assert {name: stored[name] for name in merge.OUTCOME} == {name: merge.columns(told)[name] for name in merge.OUTCOME}
    assert bool(stored["later"]) == any(each.authority is Authority.ENDED for each in others)


@given(history=histories.filter(bool))
def test_what_any_record_knows_is_in_the_row(history):
    stored = row(*history)
    for name in FACTS:
        told = {merge.columns(each)[name] for each in history} - {None, "", 0}
        assert stored[name] in (told or {None, "", 0}), name


def test_zero_milliseconds_in_the_queue_are_known():
    waiting = record(Authority.SEEN_WAITING, RunStatus.QUEUED)
    ended = record(Authority.ENDED, RunStatus.SUCCEEDED, queue_milliseconds=0, run_milliseconds=0, ended_at=AT)
    assert row(waiting, ended)["queue_milliseconds"] == row(ended, waiting)["queue_milliseconds"] == 0
    assert Run(**row(waiting, ended)).started_at == ACCEPTED


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("message", "a\0b", "a\ufffdb"),
        ("message", "a\ud800b", "a?b"),
        ("called_route", "x/\0", "x/\ufffd"),
        ("script_name", "n" * 300, "n" * 200),
        ("user", "ü" * 300, "ü" * 150),
        ("client_address", "1" * 99, "1" * 45),
        ("not_kept_warm", "w" * 300, "w" * 200),
        ("queue_milliseconds", -5, 0),
        ("run_milliseconds", 2**63, 2**31 - 1),
        ("response_code", 2**20, 2**15 - 1),
        ("request_bytes", 2**40, 2**31 - 1),
        ("ended_at", -(2**62), 0),
        ("parent_id", "none", None),
    ],
)
def test_every_value_fits_its_column(name, value, stored):
    column = "total_milliseconds" if name == "ended_at" else name
    assert merge.columns(record(Authority.ENDED, RunStatus.FAILED, **{name: value}))[column] == stored


@pytest.mark.parametrize("run_id", ["", "none", str(UUID(int=2**128 - 1))])
def test_an_id_that_tells_no_time_is_refused(run_id):
    with pytest.raises(ValueError):
        merge.columns(record(Authority.ENDED, RunStatus.FAILED, id=run_id))


def test_a_record_with_a_lone_surrogate_can_be_sent():
    frame, _ = encode((record(Authority.ENDED, RunStatus.FAILED, message="a\ud800b"), None))
    assert decode_record(frame).message == "a?b"
    frame, _ = encode((record(Authority.ENDED, RunStatus.FAILED, said=[(1, "a\ud800b")], libraries=[("x", 2)]), None))
    assert (decode_record(frame).said, decode_record(frame).libraries) == ([(1, "a?b")], [("x", 2)])


def test_records_of_the_releases_before_and_after_are_read():
    sent = record(Authority.ENDED, RunStatus.FAILED, not_kept_warm="x", said=[(1, "a")], credentials_used=["b"])
    elements = msgspec.msgpack.decode(encode((sent, None))[0])
    known = len(elements) - len(("said", "credentials_used"))
    before = decode_record(msgspec.msgpack.encode(elements[:known]))
    assert (before.not_kept_warm, list(before.said), list(before.credentials_used)) == ("x", [], [])
    assert decode_record(msgspec.msgpack.encode([*elements, {"of": "the release after"}])) == decode_record(
        encode((sent, None))[0]
    )
    fields = [(field.name, field.type, field.default) for field in msgspec.structs.fields(RunRecord)[:known]]
    earlier: Any = msgspec.defstruct("RecordBefore", fields, array_like=True, kw_only=True)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(elements), type=earlier).not_kept_warm == "x"


def test_no_more_is_read_than_a_run_may_leave():
    told = {"said": [(1, "x" * 5_000)] * 99, "credentials_used": ["x"] * 5_000}
    read = decode_record(encode((record(Authority.ENDED, RunStatus.FAILED, **told), None))[0])
    assert list(read.said) == [(1, "x" * LONGEST_SAID)] * MOST_SAID
    assert len(read.credentials_used) == MOST_CREDENTIALS
