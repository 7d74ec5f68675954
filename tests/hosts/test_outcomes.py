"""The outcomes of runs, as the worker sees them."""

from hosts.jobs import Outcome
from tests.values import for_each


def test_on_api_trigger_gets_the_request_and_returns_an_output(bench):
    ran = bench.trigger(
        """
        def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
            query = request.query_parameters
            assert request.request_method is RequestMethod.POST
            assert (request.route, request.raw_body) == ("encoders/7", "h\\u00e9")
            assert request.parameters == {"p": "1"} and engine.script_param("p").value == "1"
            assert (query.get("a"), query.get_all("a"), query.keys()) == ("1", ["1", ""], ["a", "b"])
            assert request.route_parameters == {"id": "7"}
            assert (request.context.token_id, request.context.trigger_id) == ("the-token", "the-trigger")
            output = ApiTriggerOutput(response_code=StatusCode.CREATED, response_body="w\\u00f6rld")
            output.response_headers.add("X-A", "1", "2")
            return output
        """,
        body="hé".encode(),
        parameters={"p": "1"},
    )
    assert ran.outcome is Outcome.RETURNED, ran.result
    output = ran.result.output
    assert (output.code, output.body, output.is_text) == (201, "wörld".encode(), True)
    assert output.headers == {"X-A": ["1", "2"]}
    assert type(output.code) is int


def test_run_succeeds(bench):
    ran = bench.run("def run(engine): print(engine.script_param('p').value)", parameters={"p": "é1"})
    assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["é1"])
    assert ran.result.output is None


def test_duration_of_a_run_is_reported(bench):
    ran = bench.run("import time\ndef run(engine): time.sleep(0.2)")
    assert 200 <= ran.result.run_milliseconds <= round(ran.seconds * 1000)


def test_response_bytes_take_precedence_over_text(bench):
    ran = bench.trigger(
        "def on_api_trigger(e, r): return ApiTriggerOutput(200, response_body='x', response_body_bytes=b'\\xff\\x00')"
    )
    assert (ran.result.output.body, ran.result.output.is_text) == (b"\xff\x00", False)


@for_each(
    "output, says",
    [
        ("None", "returned None"),
        ("'text'", "type str"),
        ("{'response_code': 200}", "type dict"),
        ("ApiTriggerOutput(response_code=True)", "response_code is an object of type bool"),
        ("ApiTriggerOutput(response_code='200')", "response_code is an object of type str"),
        ("ApiTriggerOutput(response_code=200.0)", "response_code"),
        ("ApiTriggerOutput(response_body=None)", "response_body is None"),
        ("ApiTriggerOutput(response_body=b'x')", "response_body is an object of type bytes"),
        ("ApiTriggerOutput(response_body_bytes='x')", "response_body_bytes is an object of type str"),
        ("ApiTriggerOutput(response_body_bytes=bytearray(3))", "response_body_bytes"),
        ("ApiTriggerOutput(response_body='\\ud800')", "surrogate"),
        ("ApiTriggerOutput(response_headers={'a': ['b']})", "response_headers"),
        ("ApiTriggerOutput(response_headers=None)", "response_headers"),
        ("ApiTriggerOutput(response_headers=with_header('a', 1))", "response_headers"),
        ("ApiTriggerOutput(response_headers=with_header('a', 'x' * 2_000_000))", "response_headers"),
        ("engine.exit_success('fine')", "exit_success"),
    ],
)
def test_invalid_output_is_reported(bench, output, says):
    ran = bench.trigger(
        f"""
        def with_header(name, value):
            headers = ResponseHeaders()
            headers.add(name, value)
            return headers

        def on_api_trigger(engine, request):
            return {output}
        """
    )
    assert ran.outcome is Outcome.NOTHING_VALID_RETURNED
    assert says in ran.result.message
    assert ran.result.output is None


@for_each("code", ["199", "600", "-5", "10**6000", "-10**6000"])
def test_code_out_of_range_is_passed_on(bench, code):
    ran = bench.trigger(f"def on_api_trigger(e, r): return ApiTriggerOutput({code})")
    assert ran.outcome is Outcome.RETURNED
    assert not 200 <= ran.result.output.code <= 599


def test_headers_are_passed_on_unchanged(bench):
    ran = bench.trigger(
        """
        def on_api_trigger(engine, request):
            output = ApiTriggerOutput()
            output.response_headers.add("b\\nd", "\\ud800", "\\x00", "\\U0001f600")
            return output
        """
    )
    assert ran.result.output.headers == {"b\nd": ["\ud800", "\x00", "\U0001f600"]}


def test_subclasses_of_built_in_types_are_passed_on_as_these(bench):
    ran = bench.trigger(
        """
        class Text(str):
            def encode(self, *args): return b"forged"
            def __len__(self): return 10**9
            def __str__(self): raise ValueError
        class Code(int):
            def __int__(self): return 999
            def __index__(self): return 999
        class Output(ApiTriggerOutput): pass
        def on_api_trigger(engine, request):
            output = Output(Code(202), Text("real"))
            output.response_headers.add(Text("name"), Text("value"))
            return output
        """
    )
    assert ran.outcome is Outcome.RETURNED, ran.result
    output = ran.result.output
    assert (output.code, output.body, output.headers) == (202, b"real", {"name": ["value"]})


@for_each("field", ["response_code", "response_headers"])
def test_an_output_that_raises_when_read_is_a_failure(bench, field):
    ran = bench.trigger(
        f"""
        class Output(ApiTriggerOutput):
            def __getattribute__(self, name):
                if name == "{field}":
                    raise OSError("boom")
                return super().__getattribute__(name)
        def on_api_trigger(engine, request): return Output()
        """
    )
    assert (ran.outcome, ran.result.message) == (Outcome.FAILED, "OSError: boom")


@for_each(
    "statement, message",
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("engine.exit_fail('no such host')", "no such host"),
        ("sys.exit()", "The script called sys.exit(None)."),
        ("sys.exit(0)", "The script called sys.exit(0)."),
        ("sys.exit('bad')", "The script called sys.exit('bad')."),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ExceptionGroup('many', [ValueError('a')])", "ExceptionGroup: many (1 sub-exception)"),
        (
            "engine.script_param('gone')",
            "automation.sdk.UnknownScriptParameter: The script has no parameter named 'gone'.",
        ),
        ("raise Mute", "automation_script.Mute: <exception str() failed>"),
        ("raise Noted", "automation_script.Noted: real"),
        ("raise ValueError('\\ud800')", "ValueError: ?"),
        ("deep()", "RecursionError: maximum recursion depth exceeded"),
    ],
)
@for_each("entry_point", ["run", "on_api_trigger"])
def test_failures(bench, statement, message, entry_point):
    ran = bench.run(
        f"""
        import sys

        class Mute(Exception):
            def __str__(self): raise ValueError("mute")

        class Noted(Exception):
            def __init__(self):
                super().__init__("real")
                self.add_note("a note")

        def deep(): deep()

        def {entry_point}(engine, request=None):
            {statement}
        """,
        entry_point,
    )
    assert ran.outcome is Outcome.FAILED
    assert ran.result.message.startswith(message)


def test_exit_success_ends_run_at_once(bench):
    ran = bench.run(
        """
        def run(engine):
            try:
                engine.exit_success("enough")
            except Exception:
                print("swallowed")
            print("went on")
        """
    )
    assert (ran.outcome, ran.result.message, ran.lines) == (Outcome.SUCCEEDED, "enough", [])


def test_a_traceback_shows_the_script_and_nothing_else(bench):
    ran = bench.run(
        """
        import json

        def parse(text):
            return json.loads(text)

        def run(engine):
            try:
                parse("{")
            except ValueError as error:
                raise RuntimeError("no luck") from error
        """,
        name="Parse it",
    )
    text = ran.result.traceback
    assert 'File "<script Parse it>", line 5, in parse\n    return json.loads(text)\n' in text
    assert "json.decoder.JSONDecodeError" in text
    assert "The above exception was the direct cause" in text
    assert text.endswith("RuntimeError: no luck\n")
    assert ".py" not in text


@for_each(
    "source, message",
    [
        ("def run(engine:", "SyntaxError"),
        ("x = 1\0", ("SyntaxError: source code string", "ValueError: source code string")),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise ValueError('while loading')", "ValueError: while loading"),
        ("x = 1", "AttributeError: the script has no entry point run"),
        ("run = 5", "AttributeError: the script has no entry point run"),
        ("def run(): pass", "TypeError: run() takes 0 positional arguments"),
    ],
)
def test_script_that_cannot_be_loaded_has_failed(bench, source, message):
    ran = bench.run(source)
    assert ran.outcome is Outcome.FAILED
    assert ran.result.message.startswith(message)


def test_a_syntax_error_shows_its_line(bench):
    ran = bench.run("def run(engine):\n    x = = 1\n", name="odd")
    assert 'File "<script odd>", line 2\n    x = = 1\n' in ran.result.traceback


def test_long_messages_and_tracebacks_are_cut(bench):
    ran = bench.run("def run(engine): raise ValueError('x' * 10_000_000 + 'the end')")
    assert ran.outcome is Outcome.FAILED
    assert len(ran.result.message) <= 4096
    assert len(ran.result.traceback) <= 70_000
    assert ran.result.traceback.endswith("the end\n")


def test_script_is_a_module_that_pickle_inspect_and_dataclasses_accept(bench):
    ran = bench.run(
        """
        from __future__ import annotations
        import dataclasses, inspect, pickle, sys

        @dataclasses.dataclass
        class Point:
            x: int

        def run(engine):
            assert pickle.loads(pickle.dumps(Point(1))) == Point(1)
            assert sys.modules[__name__].Point is Point and __name__ != "__main__"
            assert "class Point" in inspect.getsource(Point)
            assert Point.__annotations__ == {"x": "int"}
        """
    )
    assert ran.outcome is Outcome.SUCCEEDED, ran.result


@for_each("fields", [{"call": None}, {"body": b"\xff"}])
def test_unreadable_job_does_not_start(bench, fields):
    ran = bench.trigger("print('started')", **fields)
    assert (ran.outcome, ran.lines) == (Outcome.UNREADABLE, [])
