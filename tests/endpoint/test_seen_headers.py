"""The headers that a script sees, over the wire."""

import pytest

from tests.endpoint.wire import exchange, head

TELLS = """
from automation.sdk import *

def on_api_trigger(engine, request):
    headers = request.headers
    pairs = [[name, headers.get_all(name)] for name in headers]
    same = all(headers.get_all(name.swapcase()) == values for name, values in pairs)
    return ApiTriggerOutput.json({"pairs": pairs, "same": same, "address": request.context.client_address})
"""

HIDDEN = [
    ("Cookie", "sessionid=secret"),
    ("Proxy-Authorization", "Basic secret"),
    ("Proxy-Connection", "keep-alive"),
    ("proxy-odd", "secret"),
    ("Connection", "keep-alive, X-Kept"),
    ("Keep-Alive", "timeout=5"),
    ("TE", "trailers"),
    ("Trailer", "X-Sum"),
    ("Upgrade", "h2c"),
]


def seen(stack, api, *headers: tuple[str, str]) -> list[tuple[str, list[str]]]:
    """What the script sees besides `Host`."""
    answer = exchange(stack.url, head("GET", api.path, *api.headers.items(), *headers))
    assert answer.status_code == 200, answer
    told = answer.json()
    assert told["same"]
    assert told["address"] == "127.0.0.1"
    return [(name, values) for name, values in told["pairs"] if name != "Host"]


def test_repeated_headers_stay_apart_in_their_order_and_names_have_no_case(stack, publish):
    api = publish(TELLS)
    sent = [
        ("X-B", "1, 2"),
        ("x-a", "ä".encode().decode("latin-1")),
        ("X-b", ""),
        ("X-GITHUB-event", "push"),
        ("X-B", "3"),
    ]
    assert seen(stack, api, *sent) == [("X-B", ["1, 2", "", "3"]), ("X-A", ["ä"]), ("X-Github-Event", ["push"])]


def test_headers_of_the_connection_and_of_the_log_in_are_hidden(stack, publish):
    api = publish(TELLS)
    assert seen(stack, api, *HIDDEN, ("X-Kept", "1"), ("Accept", "*/*")) == [("X-Kept", ["1"]), ("Accept", ["*/*"])]


@pytest.mark.parametrize(
    "value",
    [
        "\xff\xfe",  # Latin-1, and no UTF-8
        "日本語 🎬".encode().decode("latin-1"),
        "a\tb",
        '"; DROP TABLE runs; --',
        "${jndi:ldap://x}",
        "%00%0d%0aX-Injected: 1",
        "x" * 8_000,
    ],
)
def test_naughty_values_arrive_as_they_were_sent(stack, publish, value):
    ((name, values),) = seen(stack, publish(TELLS), ("X-Naughty", value))
    try:
        expected = value.encode("latin-1").decode()
    except UnicodeDecodeError:
        expected = value
    assert (name, values) == ("X-Naughty", [expected])


def test_header_over_8_kb_and_control_characters_are_refused_by_the_server(stack, publish):
    api = publish(TELLS)
    for value in ("x" * 8_192, "a\x00b", "a\x7fb"):
        answer = exchange(stack.url, head("GET", api.path, *api.headers.items(), ("X-Naughty", value)))
        assert 400 <= answer.status_code < 500
        assert b"Traceback" not in answer.content
