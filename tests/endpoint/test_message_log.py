"""The trigger message: its log lines and its representation."""

import logging

from endpoint.trigger_message import TriggerMessage, trigger
from foundation.logs import TRIGGER_LOGGER
from tests.endpoint.messages import UNKNOWN, to


def test_a_trigger_message_leaves_two_lines_and_no_secret(stack, publish, caplog, worker_node):
    api = publish()
    with caplog.at_level(logging.DEBUG):
        answer = trigger(to(api, request_method="post"))
        trigger(to(api, secret=UNKNOWN))
    lines = [record.getMessage() for record in caplog.records if record.name == TRIGGER_LOGGER]
    started = f'trigger={answer.statistics.trigger_id} method="POST" route="/api/custom/{api.definition.route}"'
    assert lines[0] == f"started {started}"
    used = api.definition.script
    script = f'script={used.pk} version={used.current_version} name="{used.name}"'
    assert lines[1].startswith(f"ended {started} {script} token={api.token.pk} node={worker_node} code=200 ms=")
    assert "reason=TokenNotFound" in lines[3]
    assert len(lines) == 4
    assert api.secret not in caplog.text
    assert UNKNOWN not in caplog.text


def test_a_line_of_the_log_stays_short(stack, publish, caplog):
    with caplog.at_level(logging.INFO):
        trigger(to(publish(), request_method="m" * 99, route="r" * 99_999))
    assert all(len(record.getMessage()) < 3_000 for record in caplog.records)


def test_a_message_shows_no_secret_and_no_body(publish):
    shown = repr(TriggerMessage("Post", "route", "the secret", "the body"))
    assert "secret" not in shown
    assert "body" not in shown
