"""The SDK, as script authors use it in their tests."""

from http import HTTPStatus

import pytest

from automation.sdk import (
    ApiTriggerInput,
    ApiTriggerOutput,
    Engine,
    QueryParameters,
    RequestMethod,
    ResponseHeaders,
    ScriptExit,
    StatusCode,
    SubscriptFailed,
)


def test_request_methods_have_the_names_of_the_contract():
    assert [method.value for method in RequestMethod] == ["Get", "Put", "Post", "Delete", "Patch"]
    assert RequestMethod("Get") is RequestMethod.GET


def test_status_codes_are_those_that_are_registered():
    """Python has them under the names of its day; 418 is registered as unused."""
    names = {413: "CONTENT_TOO_LARGE", 414: "URI_TOO_LONG", 416: "RANGE_NOT_SATISFIABLE", 422: "UNPROCESSABLE_CONTENT"}
    registered = {code.value: names.get(code, code.name) for code in HTTPStatus if code >= 200 and code != 418}
    assert {int(code): code.name for code in StatusCode} == registered


@pytest.mark.parametrize(
    "given",
    [
        {"a": ["1", "2"], "B": "", "empty": []},
        [("a", "1"), ("B", ""), ("a", "2")],
        [("a", ["1", "2"]), ("B", [""])],
    ],
)
def test_query_parameters_hold_several_values(given):
    query = QueryParameters(given)
    assert query.get("a") == "1"
    assert query.get_all("a") == ["1", "2"]
    assert query.get("B", "x") == ""
    assert "b" not in query
    assert query.get("b") is None
    assert query.get("b", "x") == "x"
    assert query.get_all("b") == []
    assert query.keys()[:2] == ["a", "B"]
    assert list(query) == query.keys()
    assert len(query) == len(query.keys())


def test_changing_returned_values_does_not_change_the_query():
    query = QueryParameters({"a": "1"})
    query.get_all("a").append("2")
    assert query == QueryParameters([("a", "1")])


def test_every_field_of_an_input_has_a_default():
    request = ApiTriggerInput(raw_body="x")
    assert (request.request_method, request.route, request.raw_body) == (RequestMethod.GET, "", "x")
    assert (request.parameters, request.route_parameters, len(request.query_parameters)) == ({}, {}, 0)
    assert (request.context.token_id, request.context.trigger_id) == ("", "")
    with pytest.raises(AttributeError):
        request.route = "other"  # type: ignore[misc]


def test_an_output_is_by_default_an_empty_200():
    first, second = ApiTriggerOutput(), ApiTriggerOutput()
    first.response_headers.add("A", "1")
    assert (second.response_code, second.response_body, second.response_body_bytes) == (200, "", None)
    assert second.response_headers.as_dict() == {}


def test_headers_append_and_replace_regardless_of_case():
    headers = ResponseHeaders()
    headers.add("X-One", "1")
    headers.add("x-one", "2", "3")
    headers.add("X-Two")
    assert headers.as_dict() == {"X-One": ["1", "2", "3"]}
    headers.set("X-ONE", "4")
    assert headers.as_dict() == {"X-One": ["4"]}
    headers.as_dict()["X-One"].append("5")
    assert headers.as_dict() == {"X-One": ["4"]}
    headers.set("x-one")
    assert headers.as_dict() == {}


def test_script_param_returns_a_value_or_raises_keyerror():
    engine = Engine({"host": "a"})
    assert engine.script_param("host").value == "a"
    with pytest.raises(KeyError, match="no parameter named 'Host'"):
        engine.script_param("Host")


@pytest.mark.parametrize("failed", [True, False])
def test_an_exit_is_not_caught_by_except_exception(failed):
    engine = Engine()

    def script():
        try:
            engine.exit_fail("done") if failed else engine.exit_success("done")
        except Exception:  # noqa: BLE001 - as careless authors write it
            pytest.fail("swallowed")

    with pytest.raises(ScriptExit, match="done") as caught:
        script()
    assert caught.value.failed is failed


def test_log_prints_anything(capsys):
    Engine().log(7)
    assert capsys.readouterr().out == "7\n"


def test_log_goes_to_the_given_function():
    lines: list[str] = []
    Engine(log=lines.append).log("hello")
    assert lines == ["hello"]


def test_subscripts_go_to_the_given_function():
    calls = []

    def fake(name, parameters, wait):
        calls.append((name, parameters, wait))
        return None if wait else "job-1"

    engine = Engine(run_subscript=fake)
    engine.run_subscript("a", {"x": "1"})
    assert engine.run_subscript("b", {}, wait=False) == "job-1"
    assert calls == [("a", {"x": "1"}, True), ("b", {}, False)]


def test_a_subscript_fails_without_a_function_that_runs_it():
    with pytest.raises(SubscriptFailed, match="'a'"):
        Engine().run_subscript("a", {})


@pytest.mark.parametrize("parameters", [{"x": 1}, {1: "x"}, {"x": None}])
def test_subscript_parameters_must_be_text(parameters):
    with pytest.raises(TypeError, match="text"):
        Engine(run_subscript=lambda *_: None).run_subscript("a", parameters)
