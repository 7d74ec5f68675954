"""Parameters from a body, for both ways to read them, and for a script without entry point."""

import json
import math
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.models import ActionType, InputType
from tests.endpoint.catalogue import assert_error
from tests.values import for_each

JSON = {"Content-Type": "application/json"}

ON_API_TRIGGER = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    for name, value in request.parameters.items():
        assert engine.script_param(name).value == value
    return ApiTriggerOutput(response_body=json.dumps(request.parameters))
"""
RUN = """
import json, pathlib

def run(engine):
    names = json.loads(pathlib.Path({names!r}).read_text())
    pathlib.Path({file!r}).write_text(json.dumps({{name: engine.script_param(name).value for name in names}}))
"""


@pytest.fixture
def trigger(stack, publish):
    """The parameters that a script with `on_api_trigger` gets, or the answer when there are none."""
    api = publish(ON_API_TRIGGER, input_type=InputType.PARAMETERS)

    def call(body: bytes, **headers: str):
        answer = api.call(stack.client, content=body, headers=JSON | headers)
        return answer.json() if answer.status_code == 200 else answer

    return call


@pytest.fixture
def run(stack, publish, kept):
    """The same for a script without entry point, which writes them to a file."""
    names, file = kept / "names", kept / "parameters"
    api = publish(RUN.format(names=str(names), file=str(file)), action_type=ActionType.NO_ENTRY_POINT)

    def call(body: bytes, *expected: str):
        names.write_text(json.dumps(expected))
        answer = api.call(stack.client, content=body, headers=JSON)
        return json.loads(file.read_text()) if answer.status_code == 200 else answer

    return call


TAKEN = [
    (b"", {}),
    (b"{}", {}),
    (b" \t\r\n{ } \n", {}),
    (b'{"a": "text"}', {"a": "text"}),
    (b'{"a": ""}', {"a": ""}),
    (b'{"": "x"}', {"": "x"}),
    (b'{"a": 1}', {"a": "1"}),
    (b'{"a": 1.50}', {"a": "1.50"}),
    (b'{"a": -0}', {"a": "-0"}),
    (b'{"a": -0.0}', {"a": "-0.0"}),
    (b'{"a": 1E5}', {"a": "1E5"}),
    (b'{"a": 1e+05}', {"a": "1e+05"}),
    (b'{"a": 1e-400}', {"a": "1e-400"}),
    (b'{"a": 1.7976931348623157e308}', {"a": "1.7976931348623157e308"}),
    (b'{"a": 12345678901234567890123}', {"a": "12345678901234567890123"}),
    (b'{"a": 0.1000000000000000055511151231257827}', {"a": "0.1000000000000000055511151231257827"}),
    (b'{"a": ' + b"1" * 300 + b"}", {"a": "1" * 300}),
    (b'{"a": 0.' + b"1" * 5_000 + b"}", {"a": "0." + "1" * 5_000}),
    (b'{"a": true, "b": false}', {"a": "true", "b": "false"}),
    (b'{"a": null, "b": "null"}', {"b": "null"}),
    (b'{"a": "x", "A": "y"}', {"a": "x", "A": "y"}),
    ('{"ä": "€🎬"}'.encode(), {"ä": "€🎬"}),
    ('{"\u00e9": "1", "e\u0301": "2"}'.encode(), {"\u00e9": "1", "e\u0301": "2"}),
    (rb'{"a": "\ud83c\udfac\u0000\u001b"}', {"a": "🎬\0\x1b"}),
    (b'{"a": "\x7f"}', {"a": "\x7f"}),
    ('{"a": "\u2028\ufeff"}'.encode(), {"a": "\u2028\ufeff"}),
    (b'{"a": "[1, {}]"}', {"a": "[1, {}]"}),
    (b"{" + b", ".join(b'"%d": %d' % (n, n) for n in range(5_000)) + b"}", {str(n): str(n) for n in range(5_000)}),
]
REFUSED = [
    b" ",
    b"\n",
    b"[]",
    b"[1]",
    b'"text"',
    b"1",
    b"null",
    b"true",
    b"{",
    b"{]",
    b'{"a"}',
    b'{"a": 1,}',
    b"{'a': 1}",
    b"{a: 1}",
    b'{"a": 1} x',
    b'{"a": 1}{}',
    b'{"a": 1 // x\n}',
    b'{"a": {}}',
    b'{"a": []}',
    b'{"a": [1]}',
    b'{"a": {"b": 1}}',
    b'{"a": 1, "a": 2}',
    b'{"a": 1, "a": 1}',
    b'{"a": null, "a": null}',
    b'{"a": null, "a": 1}',
    rb'{"a": 1, "\u0061": 2}',
    b"\xef\xbb\xbf{}",
    b'\xef\xbb\xbf{"a": 1}',
    b"\xef\xbb\xbf",
    rb'{"a": "\ud800"}',
    rb'{"a": "\udc00"}',
    rb'{"a": "\udfac\ud83c"}',
    rb'{"\ud800": 1}',
    rb'{"\ud800": null}',
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": nan}',
    b'{"a": 1e400}',
    b'{"a": -1e400}',
    b'{"a": 1.8e308}',
    b'{"a": ' + b"1" * 5_000 + b"}",
    b'{"a": -' + b"9" * 310 + b"}",
    b'{"a": 01}',
    b'{"a": +1}',
    b'{"a": .5}',
    b'{"a": 1.}',
    b'{"a": 0x10}',
    b'{"a": 1_000}',
    '{"a": \u0661}'.encode(),
    '{"a": \uff11}'.encode(),
    b'{"a": "\n"}',
    b'{"a": "\x00"}',
    rb'{"a": "\x41"}',
    rb'{"a": "\u00"}',
    b'{"a": True}',
    b'{"a": undefined}',
    b"[" * 100_000,
    b'{"a": ' * 100_000,
    b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a": ' * 100_000 + b"1" + b"}" * 100_000,
]


def _ids(cases):
    return [ascii(case[0] if isinstance(case, tuple) else case)[2:40] for case in cases]


@for_each("body, values", TAKEN)
def test_flat_objects_convert(trigger, run, body, values):
    assert trigger(body) == values
    assert run(body, *values) == values


@for_each("body", REFUSED)
def test_everything_else_is_error_10(trigger, run, body):
    assert_error(trigger(body), 10)
    assert_error(run(body), 10)


@for_each("content_type", ["text/plain", "application/xml", "text/xml; charset=utf-8"])
def test_the_content_type_does_not_matter(trigger, content_type):
    assert trigger(b'{"a": 1}', **{"Content-Type": content_type}) == {"a": "1"}


NUMBERS = st.one_of(
    st.integers(-(10**300), 10**300).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z"),
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def objects(draw):
    """A flat JSON object in any notation, and its parameters."""
    values: dict[str, str] = {}
    members = []
    for name in draw(st.lists(TEXTS, max_size=6, unique=True)):
        kind = draw(st.sampled_from(["text", "number", "true", "false", "null"]))
        text = draw(TEXTS if kind == "text" else NUMBERS) if kind in ("text", "number") else kind
        written = json.dumps(text, ensure_ascii=draw(st.booleans())) if kind == "text" else text
        members.append(f"{json.dumps(name, ensure_ascii=draw(st.booleans()))}{draw(SPACES)}:{draw(SPACES)}{written}")
        if kind != "null":
            values[name] = text
    return ("{" + f"{draw(SPACES)},{draw(SPACES)}".join(members) + "}").encode(), values


SPACES = st.text(" \t\r\n", max_size=2)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(objects())
def test_every_flat_object_converts(trigger, written):
    body, values = written
    assert trigger(body) == values


@QUICK
@given(st.one_of(st.text(string.printable, max_size=30), st.text('{}[]":,0123456789.eE+-nulltrefas\\ ', max_size=30)))
def test_any_text_converts_exactly_when_it_is_a_flat_object(trigger, text):
    found = trigger(text.encode())
    if _is_flat(text):
        assert set(found) <= set(json.loads(text)) if text else found == {}
    else:
        assert_error(found, 10)


def _is_flat(text: str) -> bool:
    """The parameters by Python's JSON decoder, in strict mode."""

    def refuse(_: str) -> None:
        raise ValueError

    if not text:
        return True
    try:
        pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs, parse_constant=refuse)
    except ValueError:
        return False
    if not text.lstrip().startswith("{") or len({name for name, _ in pairs}) < len(pairs):
        return False
    return not any(isinstance(value, list) or (isinstance(value, float) and math.isinf(value)) for _, value in pairs)


# --- RawBody gets none; a script without entry point needs them all ---


@for_each("body", [b'{"a": 1}', b"[1, 2]", b'{"a": 1, "a": 2}', b"no JSON at all", b"", b"\xef\xbb\xbf{}", b"\x00"])
def test_a_raw_body_is_handed_over_as_it_came(stack, publish, body):
    source = (
        "import json\n"
        "from automation.sdk import ApiTriggerOutput\n"
        "def on_api_trigger(engine, request):\n"
        "    return ApiTriggerOutput(response_body=json.dumps([request.raw_body, request.parameters]))\n"
    )
    for input_type, expected in ((InputType.RAW_BODY, {}), (InputType.PARAMETERS, {"a": "1"})):
        if input_type == InputType.RAW_BODY or body == b'{"a": 1}':
            answer = publish(source, input_type=input_type).call(stack.client, content=body, headers=JSON)
            assert answer.json() == [body.decode(), expected]


@for_each(
    "body, missing",
    [
        (b"", ["host", "Port"]),
        (b"{}", ["host", "Port"]),
        (b'{"host": null, "Port": null}', ["host", "Port"]),
        (b'{"port": 1, "HOST": 2}', ["host", "Port"]),
        (b'{"Port": 1}', ["host"]),
        (b'{"host": "", "Port": false}', []),
        (b'{"host": "x", "Port": 0, "more": 1}', []),
    ],
)
def test_without_entry_point_every_script_parameter_needs_a_value(stack, publish, body, missing):
    api = publish("def run(engine): pass", action_type=ActionType.NO_ENTRY_POINT, parameters=["host", "Port"])
    answer = api.call(stack.client, content=body, headers=JSON)
    if missing:
        assert_error(answer, 16, missing=missing)
    else:
        assert (answer.status_code, answer.content) == (200, b"")


def test_with_an_entry_point_a_missing_parameter_is_left_to_the_script(stack, publish):
    api = publish(ON_API_TRIGGER, input_type=InputType.PARAMETERS, parameters=["host"])
    assert api.call(stack.client, content=b'{"other": 1}', headers=JSON).json() == {"other": "1"}


@for_each("ends", ["pass", "return 7", "engine.exit_success('done')", "print('x')"])
def test_success_without_entry_point_is_200_with_an_empty_body(stack, publish, ends):
    answer = publish(f"def run(engine):\n    {ends}", action_type=ActionType.NO_ENTRY_POINT).call(stack.client)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


@for_each("ends", ["engine.exit_fail('x')", "raise ValueError", "exit(1)", "engine.script_param('other')", "1 / 0"])
def test_failure_without_entry_point_is_error_12(stack, publish, ends):
    answer = publish(f"def run(engine):\n    {ends}", action_type=ActionType.NO_ENTRY_POINT).call(stack.client)
    assert_error(answer, 12)
