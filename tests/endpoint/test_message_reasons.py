"""The trigger message: the exact reason of every failure, and which one comes first."""

from typing import Any

import pytest
from django.db.models import JSONField, Value

from automation.versions import ScriptVersion
from definitions.models import ApiDefinition, InputType
from endpoint import admission
from tests.endpoint.broken_storage import remove_script_row
from tests.endpoint.catalogue import LARGEST_BODY
from tests.endpoint.fakenode import reports
from tests.endpoint.messages import NO_ENTRY_POINT, RAISES, RUNS, UNKNOWN, failed, returns, sets, to

REASONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an unknown method": ("InvalidRequestMethod", {}, {"request_method": "Head"}),
    "no method": ("InvalidRequestMethod", {}, {"request_method": ""}),
    "no route": ("EmptyRoute", {}, {"route": ""}),
    "a route of slashes": ("EmptyRoute", {}, {"route": "//"}),
    "a large body": ("BodyTooLarge", {}, {"raw_body": "x" * (LARGEST_BODY + 1)}),
    "no secret": ("InvalidSecret", {}, {"secret": ""}),
    "a malformed secret": ("InvalidSecret", {}, {"secret": "ü" * 40}),
    "a mistyped secret": ("InvalidSecret", {}, {"secret": "udapi_" + "x" * 46}),
    "nobody's secret": ("TokenNotFound", {}, {"secret": UNKNOWN}),
    "no definition": ("DefinitionNotFound", {}, {"route": "nothing/here"}),
    "an impossible route": ("DefinitionNotFound", {}, {"route": "a/../b"}),
    "a route with NUL": ("DefinitionNotFound", {}, {"route": "a/\0"}),
    "no parameters": ("BodyToParametersConversionFailed", {"input_type": InputType.PARAMETERS}, {"raw_body": "[1]"}),
    "a script that raises": ("AutomationActionError", {"source": RAISES}, {}),
    "no output": ("InvalidAutomationActionResult", {"source": returns("None")}, {}),
    "a large response": ("ResponseBodyTooLarge", {"source": returns("ApiTriggerOutput(200, 'x' * 31457281)")}, {}),
    "a strange code": ("UnknownStatusCode", {"source": returns("ApiTriggerOutput(response_code=199)")}, {}),
    "a blocked header": ("ResponseHeadersNotAllowed", {"source": sets("Set-Cookie")}, {}),
    "a malformed header": ("ResponseHeadersInvalid", {"source": sets("no token")}, {}),
}


@pytest.mark.parametrize("fault", REASONS)
def test_each_refusal_has_its_exact_reason(stack, publish, fault):
    reason, published, sent = REASONS[fault]
    error = failed(to(publish(**published), **sent))
    assert (error["reason"], error["parameters"]) == (reason, [])


def test_the_reason_tells_a_disabled_token(stack, publish):
    assert failed(to(publish(token=publish.token(is_disabled=True))))["reason"] == "TokenDisabled"


def test_the_reason_tells_a_token_that_is_not_allowed(stack, publish):
    _, secret = publish.token()
    assert failed(to(publish(), secret=secret))["reason"] == "TokenNotAllowed"


def test_missing_script_parameters_are_named(stack, publish):
    api = publish(RUNS, action_type=NO_ENTRY_POINT, parameters=["host", "port", "user"])
    error = failed(to(api, raw_body='{"port": 1, "user": null}'))
    assert (error["reason"], error["parameters"]) == ("MissingScriptParameters", ["host", "user"])


def test_the_traceback_of_a_script_is_told(stack, publish):
    error = failed(to(publish(RAISES)))
    assert "Traceback" in error["message"]
    assert "ValueError: the cause" in error["message"]


@pytest.mark.parametrize(
    ("stored", "reason"),
    [({"action_type": "Nonsense"}, "InvalidActionType"), ({"input_type": "Nonsense"}, "InvalidActionMeta")],
)
def test_the_reason_tells_a_broken_definition(stack, publish, stored, reason):
    api = publish()
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(**stored)
    assert failed(to(api))["reason"] == reason


def test_the_reason_tells_a_deleted_script(stack, publish):
    api = publish()
    remove_script_row(api.definition.script)
    assert failed(to(api))["reason"] == "GetScriptInfoFailed"


def test_an_exception_on_the_endpoint_is_told_with_its_traceback(stack, publish, monkeypatch):
    def breaks(*_: object) -> None:
        raise LookupError("a mistake")

    api = publish()
    monkeypatch.setattr(admission, "admit", breaks)
    error = failed(to(api))
    assert error["reason"] == "UnexpectedException"
    assert "Traceback" in error["message"]
    assert "LookupError: a mistake" in error["message"]


def test_an_exception_on_the_node_is_told_with_its_traceback(stack, publish):
    api = publish()
    # A node expects a list of names.
    ScriptVersion._base_manager.filter(script=api.definition.script_id).update(parameters=Value(5, JSONField()))
    error = failed(to(api))
    assert error["reason"] == "UnexpectedException"
    assert "Traceback" in error["message"]


def test_the_reason_tells_a_missing_worker_node(lonely, fake_node, publish):
    assert failed(to(publish()))["reason"] == "ManagerNotInitialized"


def test_the_reason_tells_a_missing_answer(lonely, fake_node, publish, settings):
    settings.UDAPI_TRIGGER_TIMEOUT_SECONDS = 1
    fake_node.live()
    error = failed(to(publish()))
    assert (error["reason"], error["message"]) == ("NatsRequestFailed", "never started")


def test_the_reason_tells_a_missing_broker(lonely, fake_node, publish):
    fake_node.live()
    lonely.stop_redis()
    try:
        assert failed(to(publish()))["reason"] == "MessageBrokerNotInitialized"
    finally:
        lonely.redis = lonely.start_redis()


@pytest.mark.parametrize(("reason", "told"), [("", "UnspecifiedErrorReason"), ("OfTomorrow", "UnknownErrorReason")])
def test_a_missing_or_unknown_reason_of_a_node_is_reported(lonely, fake_node, publish, reason, told):
    api = publish()
    with fake_node.answers(reports(reason, "what it says")):
        assert failed(to(api)) == {"reason": told, "message": "what it says", "parameters": []}


def test_the_first_check_that_fails_answers(stack, publish):
    api = publish(input_type=InputType.PARAMETERS)
    stored = ApiDefinition._base_manager.filter(pk=api.definition.pk)
    stored.update(is_disabled=True, input_type="Nonsense")
    _, stranger = publish.token()
    faults = [
        ("InvalidRequestMethod", {"request_method": ""}),
        ("EmptyRoute", {"route": ""}),
        ("BodyTooLarge", {"raw_body": "x" * (LARGEST_BODY + 1)}),
        ("InvalidSecret", {"secret": "short"}),
        ("DefinitionNotFound", {"route": "nothing/here"}),
        ("TokenNotAllowed", {"secret": stranger}),
        ("ApiDisabled", {}),
    ]
    for number, (reason, _) in enumerate(faults):
        sent: dict[str, Any] = {"raw_body": "["}
        for _, fault in reversed(faults[number:]):
            sent |= fault
        assert failed(to(api, **sent))["reason"] == reason
    stored.update(is_disabled=False)
    assert failed(to(api, raw_body="["))["reason"] == "InvalidActionMeta"
