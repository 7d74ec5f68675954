"""Which definition a path means: the raw path is matched, segment by segment, and nothing is redirected."""

import urllib.parse
from functools import cache

import httpx
import pytest

from tests.endpoint.catalogue import assert_error, assert_no_stranger
from tests.endpoint.wire import exchange, head
from tests.values import for_each

# Answers what the route captured, and the route as called.
TELLS = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=json.dumps([request.route, request.route_parameters]))
"""


@pytest.fixture
def tells(publish):
    """The API of a route, which answers what it captured; one for all paths of a test."""
    return cache(lambda route: publish(TELLS, route=route))


def get(url: str, api, target: str):
    answer = exchange(url, head("GET", target, *api.headers.items()))
    assert_no_stranger(answer.headers)
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer


@for_each(
    "path",
    [
        "/api/custom/Encoders/Straße/status",
        "/api/custom/encoders/stra%C3%9Fe/status",
        "/api/custom/ENCODERS/STRASSE/STATUS",
        "/api/custom/%45ncoders/strasse/status",
        "/api/custom/encoders/strasse/status/",
        "/api/custom/encoders/strasse/status///",
        "//api//custom//encoders//strasse//status",
        "///api/custom/encoders/strasse/status",
        "/api///custom/encoders/strasse///status",
        "/api/custom//encoders/strasse/status",
        "/api/custom/encoders/strasse/status?",
        "/api/custom/encoders/strasse/status?a=/b//c",
        "/api/custom/encoders/strasse/status/?a=b",
        "http://localhost/api/custom/encoders/strasse/status",
        "http://localhost//api//custom//encoders/strasse/status?a=b",
        "https://user:password@another.example:99/api/custom/encoders/strasse/status",
    ],
)
def test_equivalent_paths_find_the_definition(stack, tells, path):
    api = tells("Encoders/Straße/status")
    # gunicorn accepts only ASCII in a request line.
    answer = get(stack.url, api, urllib.parse.quote(path, safe="/:?=%@"))
    assert (answer.status_code, answer.json()[1]) == (200, {}), answer.content


@for_each(
    "path",
    [
        "/api/custom/encoders/./status",
        "/api/custom/encoders/x/../status",
        "/api/custom/x/../encoders/status",
        "/api/custom/encoders/%2e/status",
        "/api/custom/encoders/%2E%2E/encoders/status",
        "/api/custom/encoders/status/.",
        "/api/custom/encoders/status/..",
        "/api/custom/encoders%2Fstatus",
        "/api/custom/encoders%2fstatus",
        "/api/custom/encoders/%2F/status",
        "/api/custom/encoders/status%00",
        "/api/custom/encoders/status%0A",
        "/api/custom/encoders/status%0d%0a",
        "/api/custom/encoders/status%7f",
        "/api/custom/encoders/status%C2%85",
        "/api/custom/encoders/%FF",
        "/api/custom/encoders/%C3%28",
        "/api/custom/encoders/%ED%A0%80",
        "/api/custom/encoders/status%20",
        "/api/custom/encoders/%2573tatus",
        "/api/custom/encoders/status;v=1",
        "/api/custom/encoders/status%3F",
        "/api/custom/encoders",
        "/api/custom/encoders/status/more",
        "/api/custom/" + "a/" * 2_000,
        "/api/custom/" + "/".join(["a"] * 125),
    ],
)
def test_paths_without_a_definition_are_error_5(stack, tells, path):
    api = tells("encoders/status")
    assert_error(get(stack.url, api, path), 5)


@for_each(
    "segment",
    ["%2F", "a%2Fb", "%00", "%0A", "%1B", "%7F", "%C2%9F", "%FF", "%C0%AF", "%ED%B0%80", ".", "..", "%2e", "%2E%2e"],
)
def test_segments_that_match_nothing_not_even_a_placeholder(stack, tells, segment):
    api = tells("any/{value}")
    assert_error(get(stack.url, api, f"/api/custom/any/{segment}"), 5)


@for_each(
    "segment, captured",
    [
        ("MiXeD", "MiXeD"),
        ("Stra%C3%9Fe", "Straße"),
        ("e%CC%81", "e\u0301"),
        ("100%25", "100%"),
        ("%252F", "%2F"),
        ("%2500", "%00"),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("%20", " "),
        ("%7B%7D", "{}"),
        ("{}", "{}"),
        ("%7Bvalue%7D", "{value}"),
        ("...", "..."),
        (".%20.", ". ."),
        ("%E2%80%A8", "\u2028"),
        ("%F0%9F%8E%AC", "🎬"),
        ("a%3Fb%23c", "a?b#c"),
        ("a;b=c&d:e@f!$'()*,~", "a;b=c&d:e@f!$'()*,~"),
        ("%EF%BF%BD", "\ufffd"),
        ("%zz", "%zz"),
        ("100%", "100%"),
        ("%5C", "\\"),
    ],
)
def test_what_a_placeholder_captures(stack, tells, segment, captured):
    api = tells("Any/{value}/{Other}")
    answer = get(stack.url, api, f"/api/custom/aNY/{segment}/x")
    assert answer.status_code == 200, answer.content
    assert answer.json() == [f"aNY/{captured}/x", {"value": captured, "Other": "x"}]


def test_literals_are_compared_in_nfc(stack, publish):
    api = publish(TELLS, route="café/Ǆ")
    for path in ("caf%C3%A9/%C7%86", "cafe%CC%81/%C7%85", "CAFE%CC%81/%C7%84", "CAF%C3%89/%C7%84"):
        assert get(stack.url, api, f"/api/custom/{path}").status_code == 200, path


def test_a_client_cannot_name_a_placeholder(stack, publish):
    """`{}` stands for a placeholder inside the product; sent as a segment it is text."""
    token = publish.token()
    literal = publish(TELLS, route="a/b", token=token)
    publish(TELLS, route="{x}/b/{y}", token=token)
    assert_error(get(stack.url, literal, "/api/custom/a/%7B%7D"), 5)
    assert get(stack.url, literal, "/api/custom/%7B%7D/b/%7B%7D").json()[1] == {"x": "{}", "y": "{}"}


def test_static_beats_dynamic_and_more_literals_win(stack, publish):
    token = publish.token()
    routes = ["{a}/{b}/{c}", "a/{b}/{c}", "{a}/b/c", "{a}/b/{c}", "a/b/c", "a/{b}/c"]
    apis = [publish(TELLS, route=route, token=token) for route in routes]
    expected = {
        "a/b/c": {},
        "A/x/C": {"b": "x"},
        "a/b/x": {"b": "b", "c": "x"},
        "x/b/c": {"a": "x"},
        "x/y/z": {"a": "x", "b": "y", "c": "z"},
    }
    for path, captured in expected.items():
        assert get(stack.url, apis[0], f"/api/custom/{path}").json() == [path, captured]


def test_the_longest_route_is_found(stack, publish):
    route = "/".join(["x"] * 124)
    assert get(stack.url, publish(TELLS, route=route), f"/api/custom/{route}").status_code == 200
    names = "abcdefghijklmnopqrstuvwxyz"
    dynamic = "/".join(["x", *(f"{{{name}}}" for name in names), *["y"] * 60])
    called = "/".join(["x", *names.upper(), *["y"] * 60])
    answer = get(stack.url, publish(TELLS, route=dynamic), f"/api/custom/{called}")
    assert answer.json()[1] == {name: name.upper() for name in names}


def test_a_request_line_of_8_kb_is_answered_by_the_catalogue(stack, publish):
    api = publish(TELLS, route="long/{value}")
    room = 8_190 - len("GET /api/custom/long/ HTTP/1.1")
    assert len(get(stack.url, api, "/api/custom/long/" + "x" * room).json()[1]["value"]) == room
    assert_error(get(stack.url, api, "/api/custom/short/" + "x" * (room - 1)), 5)
    assert_error(get(stack.url, api, "/api/custom/long?" + "x" * room), 1011)


def test_a_longer_request_line_gets_gunicorns_answer(stack, publish):
    api = publish()
    answer = exchange(stack.url, head("GET", "/api/custom/" + "x" * 8_190, *api.headers.items()))
    assert (answer.status_code, answer.headers["Connection"]) == (414, "close")


@for_each(
    "path",
    [
        "/api/custom",
        "/api/custom/",
        "/api/custom//",
        "//api//custom",
        "/api/custom///",
        "/api/custom?a=b",
        "/api/custom/?",
        "http://localhost/api/custom/",
    ],
)
def test_the_empty_route_is_error_1(stack, tells, path):
    assert_error(get(stack.url, tells("x"), path), 1)


@for_each("path", ["/api/custom/x#fragment", "/api/custom/x#a?b"])
def test_a_fragment_is_no_part_of_the_path(stack, tells, path):
    assert get(stack.url, tells("x"), path).status_code == 200


@for_each("path", ["/api/customs", "/api/custom.json", "/api/customx/y", "/api", "/api/custom%20/x", "/api/custom%0A"])
def test_neighbouring_paths_are_not_triggers(stack, tells, path):
    answer = httpx.get(stack.url + path, headers=tells("x").headers, timeout=stack.client.timeout)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (404, "text/html")


@for_each("path", ["/api%2Fcustom/x", "/api/custom%2Fx", "/api/custom%2F", "/%61pi/custom/x", "/api/%63ustom/x"])
def test_an_encoded_letter_of_the_prefix_is_read_and_an_encoded_slash_is_not(stack, tells, path):
    """Paths are split before decoding: an encoded slash does not separate, an encoded letter is that letter."""
    api = tells("x")
    answer = exchange(stack.url, head("GET", path, *api.headers.items()))
    if "%2F" in path:
        assert_error(answer, 5)
    else:
        assert (answer.status_code, answer.json()[0]) == (200, "x")
    assert_no_stranger(answer.headers)


@for_each("path", ["", "*", "api/custom/x", "http://[/api/custom/x", "/api/custom/\xe9", "/api/custom/a\x1bb"])
def test_what_the_server_cannot_parse_gets_its_own_400(stack, tells, path):
    answer = exchange(stack.url, head("GET", path, *tells("x").headers.items()))
    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")
