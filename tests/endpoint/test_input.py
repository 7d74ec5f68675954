"""A script sees exactly the `ApiTriggerInput` of the contract."""

import json
import uuid

import pytest

from definitions.models import InputType
from tests.endpoint.wire import exchange, head

TELLS = """
import dataclasses, json
PARTS = "request_method route raw_body parameters route_parameters content_type".split()
from automation.sdk import *

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    assert type(request) is ApiTriggerInput and type(request.request_method) is RequestMethod
    assert type(request.query_parameters) is QueryParameters
    query = request.query_parameters
    seen = {name: getattr(request, name) for name in PARTS}
    seen["query_parameters"] = {key: query.get_all(key) for key in query}
    seen["headers"] = [[name, *request.headers.get_all(name)] for name in request.headers]
    seen["bytes"] = request.raw_body_bytes.hex()
    seen["context"] = dataclasses.asdict(request.context)
    return ApiTriggerOutput(response_body=json.dumps(seen))
"""


def test_a_script_sees_every_part_of_a_request(stack, publish):
    api = publish(TELLS, route="Encoders/{id}/Straße/{Name}", input_type=InputType.PARAMETERS)
    body = ' {"a": 1.50, "ä": "x", "n": null}\n'
    target = "/api/custom//ENCODERS/4%2B2//stra%C3%9Fe/A%20b/?q=1&q=&Q=%C3%A9"
    headers = [*api.headers.items(), ("Content-Type", "application/json"), ("Content-Length", str(len(body.encode())))]
    seen = exchange(stack.url, head("PATCH", target, *headers), body.encode()).json()
    trigger_id = seen["context"].pop("trigger_id")
    assert str(uuid.UUID(trigger_id)) == trigger_id
    assert seen == {
        "request_method": "Patch",
        "route": "ENCODERS/4+2/straße/A b",
        "raw_body": body,
        "parameters": {"a": "1.50", "ä": "x"},
        "query_parameters": {"q": ["1", ""], "Q": ["é"]},
        "route_parameters": {"id": "4+2", "Name": "A b"},
        "content_type": "application/json",
        "headers": [
            ["Host", "localhost"],
            ["Content-Type", "application/json"],
            ["Content-Length", str(len(body.encode()))],
        ],
        "bytes": body.encode().hex(),
        "context": {"token_id": str(api.token.pk), "client_address": "127.0.0.1"},
    }


def test_a_script_sees_empty_values_for_an_empty_request(stack, publish):
    api = publish(TELLS)
    seen = api.call(stack.client, "GET").json()
    assert seen.pop("context")["token_id"] == str(api.token.pk)
    del seen["headers"]
    assert seen == {
        "request_method": "Get",
        "route": api.definition.route,
        "raw_body": "",
        "bytes": "",
        "content_type": "",
        "parameters": {},
        "query_parameters": {},
        "route_parameters": {},
    }


@pytest.mark.parametrize(
    "body", ["\r\n", "\ufeff{}", "a\r\nb\rc\nd", "\0", "e\u0301", "\u2028", " ", "{}", "\x1b[2J", "🎬" * 1_000]
)
def test_a_body_arrives_as_it_was_sent(stack, publish, body):
    answer = publish(TELLS).call(stack.client, content=body.encode(), headers={"Content-Type": "text/plain"})
    assert answer.json()["raw_body"] == body


def test_every_trigger_has_an_id_of_its_own_and_tells_the_token(stack, publish):
    api = publish(TELLS, route="who/am/i")
    seen = [api.call(stack.client).json()["context"] for _ in range(5)]
    assert len({context["trigger_id"] for context in seen}) == 5
    assert {context["token_id"] for context in seen} == {str(api.token.pk)}


def test_a_run_without_entry_point_gets_an_engine_only(stack, publish, kept):
    file = kept / "seen"
    source = (
        "def run(*arguments, **named):\n"
        f"    open({str(file)!r}, 'w').write(repr([type(each).__name__ for each in arguments]) + repr(named))\n"
    )
    assert publish(source, action_type="AutomationScriptNoEntryPoint").call(stack.client).status_code == 200
    assert file.read_text() == "['Engine']{}"


def test_what_a_script_changes_in_its_input_is_gone_with_it(stack, publish):
    changes = "    request.route_parameters['x'] = 'y'; request.parameters['p'] = 'q'\n"
    api = publish(TELLS.replace("    seen = {", changes + "    seen = {"))
    for _ in range(2):
        seen = api.call(stack.client).json()
        assert (seen["route_parameters"], seen["parameters"]) == ({"x": "y"}, {"p": "q"})
    assert json.loads(publish(TELLS).call(stack.client).text)["route_parameters"] == {}
