"""Frames: jobs and answers in a numbered format, which another release refuses by its number."""

from dataclasses import fields, make_dataclass, replace
from typing import Any

import pytest
from msgspec import msgpack

from fleet import redis_frames
from fleet.answer import Answer, Reason, failure
from hosts.jobs import Call, Job, JobKind, TrialSource

CALL = Call("Post", "encoders/7", "the-token", (("a", "1"), ("a", "ü")), {"id": "7"})
JOB = Job(
    "the-trigger", JobKind.TRIGGER, "the-script", 3, "on_api_trigger", {"p": "1.50"}, "a name", CALL, b"\xff\0body"
)
ANSWER = Answer(7, code=201, headers={"X-A": ["1", "2"]}, is_text=False, run_milliseconds=1.5, body=b"\0\xff")


@pytest.mark.parametrize("content", [JOB, replace(JOB, call=None, body=b""), ANSWER, failure(Reason.NO_SCRIPT, "m", 1)])
def test_decoding_restores_what_was_encoded(content):
    decoded = redis_frames.decode(redis_frames.encode(content), type(content))
    assert redis_frames.encode(decoded) == redis_frames.encode(content)
    assert (type(decoded), decoded.body) == (type(content), content.body)


def test_frame_holds_the_body_unchanged():
    frame = redis_frames.encode(replace(JOB, body=b"x" * 1_000))
    assert b"x" * 1_000 in frame and len(frame) < 1_500


@pytest.mark.parametrize("number", [0, 3, 65_535])
def test_a_frame_of_another_format_is_refused_by_name(number):
    frame = number.to_bytes(2, "big") + redis_frames.encode(JOB)[2:]
    with pytest.raises(redis_frames.FrameError, match=f"format {number}, and this release reads formats 1, 2"):
        redis_frames.decode(frame, Job)


NO_FRAMES = {
    "nothing": b"",
    "no MessagePack": b"\xc1",
    "null": msgpack.encode(None),
    "no node": msgpack.encode({}),
    "a node that is a text": msgpack.encode({"node": "x"}),
    "deeply nested": b"\x91" * 100_000,
    "broken off": b"\x81\xa1x",
}


@pytest.mark.parametrize("content", NO_FRAMES.values(), ids=NO_FRAMES)
def test_bytes_that_are_not_a_frame_are_refused(content):
    with pytest.raises(redis_frames.FrameError):
        redis_frames.decode(b"\0\1" + content, Answer)


def test_frame_begins_with_the_number_of_its_format():
    with pytest.raises(redis_frames.FrameError, match="1 bytes are not a frame"):
        redis_frames.decode(b"\0", Answer)


def test_job_is_not_decoded_as_an_answer():
    with pytest.raises(redis_frames.FrameError):
        redis_frames.decode(redis_frames.encode(JOB), Answer)


def test_a_field_that_a_newer_neighbour_adds_is_ignored():
    frame = b"\0\1" + msgpack.encode({"node": 7, "of_tomorrow": [1], "body": b"body"})
    assert redis_frames.decode(frame, Answer) == Answer(7, body=b"body")


def test_lone_surrogate_is_refused_in_a_frame_and_replaced_in_a_message():
    with pytest.raises(redis_frames.FrameError):
        redis_frames.encode(replace(JOB, parameters={"p": "\ud800"}))
    assert failure(Reason.ACTION_ERROR, "odd: \ud800", 1).message == "odd: ?"


def test_job_in_the_format_without_versions_runs_the_current_version():
    """Its number is that of a save, which the release before decided."""
    frame = redis_frames.encode(JOB, redis_frames.WITHOUT_VERSIONS)
    assert redis_frames.number(frame) == redis_frames.WITHOUT_VERSIONS
    decoded = redis_frames.decode(frame, Job)
    assert redis_frames.encode(decoded) == redis_frames.encode(replace(JOB, script_version=0))


def test_job_for_a_node_of_the_release_before_makes_it_read_the_script_again():
    """Such a node keeps scripts under the number of the job, and reads one that it does not know."""
    frames = [redis_frames.encode(JOB, redis_frames.WITHOUT_VERSIONS) for _ in range(2)]
    first, second = (msgpack.decode(frame[2:])["script_version"] for frame in frames)
    assert JOB.script_version < first < second


def test_job_of_the_release_before_is_read_without_the_fields_that_it_does_not_know():
    known = {"id": "t", "kind": JobKind.TRIGGER.value, "script_id": "s", "script_version": 7, "entry_point": "run"}
    assert redis_frames.decode(b"\0\1" + msgpack.encode(known), Job) == Job("t", JobKind.TRIGGER, "s", 0, "run")


def test_neighbour_that_knows_no_traces_reads_a_job_that_has_one():
    traced = replace(JOB, traceparent=f"00-{'1' * 32}-{'2' * 16}-01", tracestate="foo=1")
    known = [(field.name, field.type, field) for field in fields(Job) if not field.name.startswith("trace")]
    neighbour = make_dataclass("NeighboursJob", known, namespace={"__module__": "hosts.jobs"})
    frame = redis_frames.encode(traced)
    assert (redis_frames.number(frame), redis_frames.decode(frame, Job).tracestate) == (2, "foo=1")
    read: Any = msgpack.decode(frame[2:], type=neighbour)
    assert {name: getattr(read, name) for name in ("id", "script_version", "body")} == {
        name: getattr(JOB, name) for name in ("id", "script_version", "body")
    }
    sent = b"\0\2" + msgpack.encode(read)
    assert redis_frames.encode(redis_frames.decode(sent, Job)) == redis_frames.encode(JOB)


def test_answers_are_the_same_in_both_formats():
    for number in redis_frames.READABLE:
        decoded = redis_frames.decode(redis_frames.encode(ANSWER, number), Answer)
        assert redis_frames.encode(decoded) == redis_frames.encode(ANSWER)


def test_release_before_never_gets_unsaved_source():
    trial = replace(JOB, trial=TrialSource("source", [], 1, 1, []))
    assert redis_frames.decode(redis_frames.encode(trial), Job).trial == trial.trial
    with pytest.raises(redis_frames.FrameError, match="would run the saved source"):
        redis_frames.encode(trial, redis_frames.WITHOUT_VERSIONS)
