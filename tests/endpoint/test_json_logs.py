"""With JSON on standard output, every line of web server and node is an object, and nothing goes to files."""

import json
from typing import Any

import pytest

from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import Connection, exchange, head

JSON = {"UDAPI_LOG_FORMAT": "json", "UDAPI_LOG_OUTPUT": "stdout"}
SAYS = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print('{"time": "forged"}' + request.raw_body + chr(27))
    if request.raw_body:
        raise ValueError("why\\nit failed")
    return ApiTriggerOutput(response_code=201)
"""


@pytest.fixture
def written(lonely, tmp_path):
    """A web server and a node that write JSON to standard output; a function that returns what they wrote."""
    before = lonely.log.stat().st_size
    quiet = JSON | {"UDAPI_LOG_DIR": str(tmp_path / "logs"), "UDAPI_WEB_WORKERS": "1"}

    def lines() -> list[dict[str, Any]]:
        text = lonely.log.read_bytes()[before:].decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    with lonely.another_worker(**quiet), lonely.another_web(**quiet) as web:
        yield web, lines
    assert not (tmp_path / "logs").exists()


def test_a_trigger_can_be_followed_by_its_id(written, publish):
    web, lines = written
    api = publish(SAYS, route="json/{id}/logs")
    answer = api.call(web.client, path="/api/custom/json/7/logs")
    failed = api.call(web.client, path="/api/custom/json/8/logs", content="x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201
    assert_error(failed, 12)

    def of(response, message: str) -> list[dict[str, Any]]:
        own = response.headers["X-Trigger-Id"]
        return [each for each in lines() if each.get("trigger_id") == own and each["message"] == message]

    wait_until(lambda: of(failed, "run failed") and of(answer, "run ended"))
    script = api.definition.script
    named = {"script_id": str(script.pk), "script_version": script.current_version, "script_name": script.name}
    called = {"route": api.definition.route, "definition_id": str(api.definition.pk)}
    (ended,) = of(answer, "trigger ended")
    assert ended.items() >= (named | called | {"status": 201, "token_id": str(api.token.pk), "method": "POST"}).items()
    assert ended["path"] == "/api/custom/json/7/logs" and ended["milliseconds"] > 0 and ended["node"]
    (run,) = of(answer, "run ended")
    assert run.items() >= (named | called | {"status": 201, "node": ended["node"]}).items()
    (ended,) = of(failed, "trigger ended")
    assert (ended["status"], ended["error_code"], ended["reason"]) == (500, 12, "AutomationActionError")
    (told,) = of(failed, "run failed")
    assert told["level"] == "ERROR" and told["exception"].rstrip().endswith("ValueError: why\nit failed")
    (said,) = of(failed, '{"time": "forged"}x\x1b')
    assert said["logger"] == "udapi.script" and said.items() >= named.items()


def test_what_strangers_send_is_on_one_line_too(written):
    web, lines = written
    target = '/api/custom/a%0A{"time":1}"\\n' + "x" * 400
    assert_error(exchange(web.url, head("GET", target, ("X", "\x85"))), 1008)
    refused = [each for each in lines() if each["message"] == "trigger refused" and each["path"] == target[:300]]
    assert [(each["logger"], each["status"], each["path_cut"]) for each in refused] == [
        ("udapi.refused", 401, len(target) - 300)
    ]


def test_next_request_of_a_connection_logs_without_the_ids_of_a_trigger(written):
    web, lines = written
    with Connection(web.url) as connection:
        connection.send(head("GET", "/api/custom/x", ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01")))
        trigger_id = connection.answer().headers["X-Trigger-Id"]
        connection.send(head("POST", "/console/login/", ("Content-Length", "0")))
        assert connection.answer().status_code == 403
    wait_until(lambda: any(each["logger"] == "django.security.csrf" for each in lines()), what="both lines")
    (refused,) = (each for each in lines() if each.get("trigger_id") == trigger_id)
    (forbidden,) = (each for each in lines() if each["logger"] == "django.security.csrf")
    assert refused["trace_id"] == "a" * 32
    assert not forbidden.keys() & {"trigger_id", "trace_id"}
