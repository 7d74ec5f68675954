"""Large bodies, and frames that the SDK never sends."""

import contextlib
import gc
import hashlib
import os
import socket
import weakref

import pytest

from hosts.frames import FrameReader, MalformedFrameError, Outbox, pack
from hosts.jobs import MAX_BODY_BYTES, Outcome
from hosts.script_messages import read_message
from tests.values import for_each


def test_thirty_megabytes_of_text_go_both_ways(bench):
    body = ("é\n\0" + "x" * 4).encode() * (MAX_BODY_BYTES // 8)
    assert len(body) == MAX_BODY_BYTES
    ran = bench.trigger(
        """
        import hashlib
        def on_api_trigger(engine, request):
            print(hashlib.sha256(request.raw_body.encode()).hexdigest())
            return ApiTriggerOutput(200, request.raw_body)
        """,
        body=body,
    )
    assert ran.outcome is Outcome.RETURNED
    assert ran.lines == [hashlib.sha256(body).hexdigest()]
    assert ran.result.output.body == body


def test_thirty_megabytes_of_bytes_come_back(bench):
    ran = bench.trigger(
        """
        def on_api_trigger(engine, request):
            return ApiTriggerOutput(200, response_body_bytes=bytes(range(256)) * (30 * 4096))
        """
    )
    assert ran.result.output.body == bytes(range(256)) * (30 * 4096)
    assert len(ran.result.output.body) == MAX_BODY_BYTES


def test_answer_is_freed_without_a_garbage_collection(bench):
    """A reference cycle would keep large bodies in memory for some time."""
    gc.disable()
    try:
        ran = bench.trigger("def on_api_trigger(engine, request): return ApiTriggerOutput(200, request.raw_body)")
        result = weakref.ref(ran.result)
        del ran
        assert result() is None
    finally:
        gc.enable()


@for_each("body", ["response_body='é' + 'x' * (%d - 1)", "response_body_bytes=bytes(%d + 1)"])
def test_response_body_over_thirty_megabytes_is_too_large(bench, body):
    ran = bench.trigger(f"def on_api_trigger(e, r): return ApiTriggerOutput(200, {body % MAX_BODY_BYTES})")
    assert ran.outcome is Outcome.TOO_LARGE
    assert ran.result.output is None
    assert str(MAX_BODY_BYTES + 1) in ran.result.message


def test_a_script_may_print_before_it_has_its_body(bench):
    ran = bench.trigger(
        """
        import sys
        print("x" * 500_000)
        def on_api_trigger(engine, request):
            print("y" * 300_000)
            return ApiTriggerOutput(200, str(len(request.raw_body)))
        """,
        body=b"z" * MAX_BODY_BYTES,
    )
    assert ran.result.output.body == str(MAX_BODY_BYTES).encode()


def test_large_parameters_reach_the_script(bench):
    ran = bench.run("def run(engine): print(len(engine.script_param('p').value))", parameters={"p": "é" * 5_000_000})
    assert ran.lines == ["5000000"]


@for_each(
    "rubbish",
    [
        "b'rubbish' * 1000",
        "b'\\xff' * 8",
        "b'\\0' * 8",
        "struct.pack('!II', 5, 0) + b'[1,2]'",
        "struct.pack('!II', 5, 0) + b'{oops'",
        "struct.pack('!II', 100_000, 0) + b'[' * 100_000",
        "struct.pack('!II', 2, 31 * 1024 * 1024) + b'{}'",
        "struct.pack('!II', 2, 0) + b'{}'",
    ],
)
def test_rubbish_on_the_job_socket_counts_as_died(bench, rubbish):
    source = f"import os, struct, time\ndef run(engine):\n os.write(3, {rubbish})\n time.sleep(60)"
    ran = bench.run(source, limit=20)
    assert ran.outcome is Outcome.DIED
    assert ran.seconds < 30
    assert not bench.processes()


def test_closed_job_socket_counts_as_died(bench):
    ran = bench.run("import os\ndef run(engine):\n os.close(3)\n print('goes on')")
    assert (ran.outcome, ran.lines[0]) == (Outcome.DIED, "goes on")


def header(**fields):
    return {
        "type": "answer",
        "outcome": "Returned",
        "code": 200,
        "headers": {},
        "isText": True,
        "leftover": "",
    } | fields


@for_each(
    "fields, body",
    [
        ({"type": "other"}, b""),
        ({"outcome": "Abandoned", "message": "", "traceback": ""}, b""),
        ({"outcome": "TimedOut", "message": "", "traceback": ""}, b""),
        ({"outcome": "Failed", "message": 1, "traceback": ""}, b""),
        ({"outcome": 5}, b""),
        ({"code": True}, b""),
        ({"code": False}, b""),
        ({"code": "200"}, b""),
        ({"code": 200.0}, b""),
        ({"headers": []}, b""),
        ({"headers": {"a": "b"}}, b""),
        ({"headers": {"a": [1]}}, b""),
        ({"isText": 1}, b""),
        ({"leftover": None}, b""),
        ({"leftover": "The script's own words"}, b""),
        ({}, b"\xff"),
        ({"type": "subscript", "name": "a", "wait": 1}, b"{}"),
        ({"type": "subscript", "name": None, "wait": True}, b"{}"),
        ({"type": "subscript", "name": "a", "wait": True}, b"[]"),
        ({"type": "subscript", "name": "a", "wait": True}, b'{"a": 1}'),
        ({"type": "subscript", "name": "a", "wait": True}, b""),
    ],
)
def test_a_forged_message_is_refused(fields, body):
    (frame,) = transfer(pack(header(**fields), body))
    with pytest.raises(MalformedFrameError):
        read_message(frame)


def transfer(buffers, piece=None):
    """Send frames through a pair of sockets, in pieces of `piece` bytes if that is given."""
    near, far = socket.socketpair()
    with near, far:
        data = b"".join(buffers)
        reader, frames = FrameReader(10_000, 10_000), []
        for start in range(0, len(data), piece or len(data)):
            near.sendall(data[start : start + (piece or len(data))])
            far.setblocking(False)
            try:
                while True:
                    if frame := reader.read(far):
                        frames.append(frame)
            except BlockingIOError:
                continue
    return frames


@for_each("piece", [None, 1, 3, 7])
def test_frames_are_assembled_from_any_pieces(piece):
    body = os.urandom(100)
    frames = transfer([*pack({"a": "\ud800é"}, body), *pack({}), *pack({"b": 1}, b"x")], piece)
    assert [frame.header for frame in frames] == [{"a": "\ud800é"}, {}, {"b": 1}]
    assert [bytes(frame.body) for frame in frames] == [body, b"", b"x"]


def test_an_outbox_sends_all_without_blocking():
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        outbox, reader, body = Outbox(), FrameReader(100, 2**24), os.urandom(2**22)
        outbox.put(pack({}, body))
        frame = None
        while frame is None:
            with contextlib.suppress(BlockingIOError):
                outbox.send_some(near)
            frame = reader.read(far)
        assert outbox.send_some(near)
        assert bytes(frame.body) == body
