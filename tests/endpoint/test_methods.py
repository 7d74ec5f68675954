"""The methods of a trigger: five reach the script; any other is refused with the allowed ones."""

from tests.endpoint.catalogue import METHODS, assert_error, assert_no_stranger
from tests.endpoint.wire import exchange, head
from tests.values import for_each

TELLS = """
from automation.sdk import ApiTriggerOutput, RequestMethod

def on_api_trigger(engine, request):
    assert isinstance(request.request_method, RequestMethod)
    return ApiTriggerOutput(response_body=request.request_method)
"""


@for_each("method", ["GET", "PUT", "POST", "DELETE", "PATCH"])
def test_a_script_is_told_the_method(stack, publish, method):
    assert publish(TELLS).call(stack.client, method).text == method.capitalize()


@for_each("method", ["GET", "DELETE"])
def test_any_method_may_have_a_body(stack, publish, method):
    assert publish().call(stack.client, method, json={"a": 1}).json() == {"a": 1}


@for_each("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY", "LINK", "GETS", "X-Y"])
@for_each("path", ["/api/custom", "/api/custom/", "/api/custom/nothing/here"])
def test_other_methods_are_refused_before_every_other_check(stack, method, path):
    assert_error(exchange(stack.url, head(method, path), method=method), 3)


def test_head_is_refused_without_a_body(stack, publish):
    answer = exchange(stack.url, head("HEAD", publish().path), method="HEAD")
    assert (answer.status_code, answer.headers["Allow"]) == (405, METHODS)
    assert answer.headers["Content-Type"] == "application/json"


def test_a_preflight_gets_nothing_for_a_browser(stack, publish):
    api = publish()
    headers = [("Origin", "https://example.com"), ("Access-Control-Request-Method", "POST")]
    asked = ("Access-Control-Request-Headers", "authorization")
    answer = exchange(stack.url, head("OPTIONS", api.path, *headers, asked))
    assert_error(answer, 3)
    assert_no_stranger(exchange(stack.url, head("GET", api.path, *headers, *api.headers.items())).headers)


@for_each("override", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_cannot_be_overridden(stack, publish, override):
    headers = {override: "DELETE", "Content-Type": "text/plain"}
    assert publish(TELLS).call(stack.client, "POST", data={"_method": "DELETE"}, headers=headers).text == "Post"


@for_each("method", ["get", "Post", "G#T", "G T", "GET\x00", "G\xc9T"])
def test_an_invalid_method_gets_gunicorns_400(stack, method):
    answer = exchange(stack.url, head(method, "/api/custom/x"))
    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")


@for_each("path", ["/api/custom/some/route", "/api/management/tokens/", "/console/nowhere"])
def test_refused_head_leaves_no_warning(stack, path):
    before = len(stack.log_text("endpoint.log"))
    answer = exchange(stack.url, head("HEAD", path), method="HEAD")
    assert answer.status_code >= 300
    assert "WARNING" not in stack.log_text("endpoint.log")[before:]
