"""Which record each way of running a script leaves."""

import threading
import time
from uuid import UUID, uuid4

import pytest

from broker.client import client
from definitions.lookups import DefinitionRow
from endpoint.run_note import RunNote
from endpoint.trigger_request import TriggerRequest
from fleet import claims, current_runs, overview, redis_keys
from fleet.answer import Answer
from fleet.lua_parts import MOST_BUFFERED_BYTES
from fleet.record_buffer import RecordBuffer
from fleet.records import Authority, RunStatus, encode
from foundation.ids import new_run_id
from hosts.jobs import RunKind
from runs import observation, selection, store
from runs.models import Run, RunLog
from testbed.stack import wait_until
from tests.runs.records import buffered, ended, hand_over, seen

ECHO = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print("hello", request.raw_body)
    return ApiTriggerOutput(response_body=request.raw_body)
"""


def test_successful_trigger_leaves_a_run(stack, publish, stored):
    api = publish(ECHO)
    answer = api.call(stack.client, content="abc", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200, answer.text
    run = stored(answer.headers["X-Trigger-Id"])
    assert (run.kind, run.status, run.response_code) == ("Trigger", RunStatus.SUCCEEDED, 200)
    assert RunLog.objects.get(pk=run.pk).text.endswith("\thello abc\n")


MANY = """
def on_api_trigger(engine, request):
    for number in range(120):
        engine.run_subscript("one-of-many", {})
"""


def test_each_of_many_subscripts_leaves_a_run(stack, publish, stored):
    publish.script("def run(engine):\n    print('one')", name="one-of-many")
    run = stored(publish(MANY).call(stack.client).headers["X-Trigger-Id"])
    subscripts = Run.objects.filter(parent_id=run.pk)
    wait_until(lambda: store.store_all() == 0 and subscripts.count() == 120)
    assert RunLog.objects.filter(pk__in=subscripts.values("pk")).count() == 120


def test_answer_goes_out_with_any_number_of_records(no_runs):
    done = claims.Claim(new_run_id(), {"frame": b"1 ", "script": b"some"}, None, 1_000, 0, time.monotonic())
    answer = Answer(node=1, code=200, body=b"ok")
    frames = [encode((ended(), None)) for _ in range(5_000)]
    assert claims.finish(done, answer, records=frames) is None
    assert client().llen(redis_keys.reply(done.job_id)) == 1
    assert buffered()[0] == 5_000


def test_ids_that_tell_no_time_are_nobodys_run(no_runs):
    # As triggers of earlier releases have them; and of version 7, in the year 10889.
    for run_id in (str(uuid4()), "ffffffff-ffff-7fff-bfff-ffffffffffff"):
        hand_over(ended(id=run_id))
        live = seen(Authority.SEEN_RUNNING, RunStatus.RUNNING, id=run_id)
        (node,) = overview.look().nodes
        client().hset(redis_keys.live_runs(), run_id, f"{node.instance} ".encode() + encode((live, None))[0])
        assert selection.find(UUID(run_id)) is None
        assert run_id not in current_runs.look().ids
        client().hdel(redis_keys.live_runs(), run_id)
    store.store_all()
    observation.observe()
    assert (buffered()[0], Run.objects.count()) == (0, 0)


def test_buffer_outlives_a_thread_that_cannot_be_started(no_runs, monkeypatch):
    buffer = RecordBuffer()

    def refuse(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", refuse)
        buffer.add((ended(), None))
    buffer.add((ended(), None))
    wait_until(lambda: buffered()[0] == 2)


def test_room_of_lost_streams_is_free_again(no_runs):
    client().hset(redis_keys.buffered(), "bytes", MOST_BUFFERED_BYTES)
    hand_over(ended())
    assert buffered()[0] == 1
    assert buffered()[1] < 10_000


@pytest.mark.parametrize(("keep_bodies", "is_kept"), [("Failures", False), ("Everything", True)])
def test_success_on_a_node_of_the_release_before_keeps_what_the_definition_says(no_runs, stored, keep_bodies, is_kept):
    note = RunNote(new_run_id(), RunKind.TRIGGER)
    nothing = UUID(int=0)
    definition = DefinitionRow(nothing, "a/b", "", "", False, None, None, is_allowed=True, keep_bodies=keep_bodies)
    note.calls(definition, TriggerRequest("Get", ("a", "b"), []), nothing)
    note.origin(b"{}", request_bytes=0)
    note.answered(Answer(node=1, code=200))
    assert stored(note.record.id).has_bodies is is_kept


UNSTORABLE = r"""
import os

def on_api_trigger(engine, request):
    engine.log("a\0b \x1b[31m \u2028 \ud800")
    os.write(1, b"\xff\r\n")
    raise ValueError("\0 \ud800 \x1b[2J " + 5_000 * "x\n")
"""


def test_texts_that_no_database_stores_are_kept_as_far_as_possible(stack, publish, stored):
    answer = publish(UNSTORABLE).call(stack.client)
    assert answer.status_code == 500
    run = stored(answer.headers["X-Trigger-Id"], lambda run: RunLog.objects.filter(pk=run.pk).exists())
    assert (run.error_code, run.status) == (12, RunStatus.FAILED)
    assert "ValueError: \N{REPLACEMENT CHARACTER} " in run.message
    lines, _ = selection.log_lines(run)
    assert lines[0].text.startswith("a\0b \x1b[31m \u2028 ")
    assert lines[1].text == "\N{REPLACEMENT CHARACTER}"
