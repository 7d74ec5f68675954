"""Runs beside nodes of the release before, which leave no record of them."""

import uuid

import pytest

from definitions.models import KeepBodies
from fleet import queue, redis_frames, redis_keys
from fleet.answer import Answer, Reason
from fleet.records import Authority, RunStatus, decode_extras, decode_record
from hosts.jobs import Job, JobKind, TrialSource
from objects.changes import save_checked
from testbed.stack import wait_until
from tests.endpoint.fakenode import NODE_ID, reports


def entries(redis, key, trigger_id):
    """What the buffer `key` holds of a trigger, once it is there. Others may still come from the test before."""

    def found():
        return [fields for _, fields in redis.xrange(key) if trigger_id.encode() in b"".join(fields.values())]

    wait_until(found, what="an entry of the trigger")
    return found()


def recorded(redis, answer):
    (fields,) = entries(redis, redis_keys.records(), answer.headers["X-Trigger-Id"])
    return decode_record(fields[b"r"])


def test_web_server_records_the_answer_of_an_old_node(lonely, fake_node, publish):
    api = publish()
    with fake_node.answers(Answer(NODE_ID, code=201, run_milliseconds=7, body=b"abc")):
        answer = api.call(lonely.client)
    record = recorded(fake_node.redis, answer)
    assert (record.authority, record.status) == (Authority.TOLD, RunStatus.SUCCEEDED)
    assert (record.response_code, record.response_bytes, record.node) == (201, 3, NODE_ID)


def test_web_server_records_the_error_of_an_old_node(lonely, fake_node, publish):
    api = publish()
    with fake_node.answers(reports(Reason.ACTION_ERROR, "hidden detail")):
        answer = api.call(lonely.client)
    record = recorded(fake_node.redis, answer)
    assert (record.authority, record.status) == (Authority.TOLD, RunStatus.FAILED)
    assert (record.error_code, record.reason, record.message) == (12, Reason.ACTION_ERROR, "hidden detail")


def test_kept_request_says_whose_credentials_it_may_hold(lonely, fake_node, publish):
    api = publish()
    api.definition.keep_bodies = KeepBodies.EVERYTHING
    save_checked(api.definition, "system")
    with fake_node.answers(reports(Reason.ACTION_ERROR, "hidden detail")):
        answer = api.call(lonely.client)
    (fields,) = entries(fake_node.redis, redis_keys.extras(), answer.headers["X-Trigger-Id"])
    assert decode_extras(fields[b"x"]).unmasked_script_id == str(api.definition.script.pk)


def test_job_of_an_old_web_server_leaves_no_run(stack):
    job = Job(str(uuid.uuid4()), JobKind.PROBE, str(uuid.UUID(int=0)), 1, "run")
    answer = queue.ask(job, 20)
    assert (answer.reason, answer.is_recorded) == (None, False)
    with stack.redis_client() as redis:
        assert not [fields for _, fields in redis.xrange(redis_keys.records()) if job.id.encode() in fields[b"r"]]


def test_unsaved_source_never_starts_beside_an_old_node(lonely, fake_node):
    fake_node.live(formats=(redis_frames.WITHOUT_VERSIONS,))
    job = Job(str(uuid.uuid4()), JobKind.PROBE, str(uuid.UUID(int=0)), 1, "run", trial=TrialSource("source"))
    with pytest.raises(queue.NoNodeError, match="runs no unsaved source"):
        queue.ask(job, 20)
