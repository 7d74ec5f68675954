"""Every request of a token counts against its rate limit, whatever its answer."""

import pytest

from definitions.changes import save_definition
from tests.endpoint.catalogue import LARGEST_BODY, assert_error
from tests.endpoint.wire import exchange, head

PICTURE = ("Content-Type", "image/png")
TEXT = ("Content-Type", "text/plain")
ONE_BYTE = ("Content-Length", "1")

COUNTED = {
    "answered": ({}, [], b""),
    "no such route": ({"path": "/api/custom/nobody"}, [], b""),
    "a segment that matches nothing": ({"path": "/api/custom/.."}, [], b""),
    "another type": ({}, [PICTURE, ONE_BYTE], b"x"),
    "no UTF-8": ({}, [TEXT, ONE_BYTE], b"\xff"),
}
NOT_COUNTED = {
    "a long query": ({"query": "?" + "x" * 2_049}, [], b""),
    "another method": ({"method": "OPTIONS"}, [], b""),
    "the empty route": ({"path": "/api/custom/"}, [], b""),
    "an announced body that is too large": ({}, [("Content-Length", str(LARGEST_BODY + 1))], b""),
    "two headers": ({}, [("Authorization", "Bearer x")], b""),
    "another Host": ({}, [("Host", "evil.example")], b""),
}


@pytest.fixture
def ask(stack, publish):
    """Call with a token that may call once."""
    api = publish(token=publish.token(rate_limit=1, rate_window_seconds=1_000))

    def send(*headers, method: str = "GET", path: str = api.path, query: str = "", body: bytes = b""):
        return exchange(stack.url, head(method, path + query, *api.headers.items(), *headers), body, method=method)

    send.api = api  # type: ignore[attr-defined]
    return send


@pytest.mark.parametrize("what", COUNTED)
def test_requests_of_a_token_count(ask, what):
    request, headers, body = COUNTED[what]
    assert ask(*headers, body=body, **request).status_code != 429
    assert_error(ask(), 1014)


@pytest.mark.parametrize("what", NOT_COUNTED)
def test_requests_of_no_token_do_not_count(ask, what):
    request, headers, body = NOT_COUNTED[what]
    assert ask(*headers, body=body, **request).status_code != 200
    assert ask().status_code == 200


def test_a_token_that_is_not_allowed_counts(ask):
    save_definition(ask.api.definition, "system", allowed_tokens=[])
    assert_error(ask(), 1010)
    assert_error(ask(), 1014)


def test_a_token_counts_over_all_its_apis(stack, publish):
    token = publish.token(rate_limit=2, rate_window_seconds=1_000)
    apis = [publish(token=token) for _ in range(3)]
    assert [api.call(stack.client).status_code for api in apis] == [200, 200, 429]
