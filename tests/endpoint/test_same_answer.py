"""A stranger cannot find out whether a secret, a token or an API exists."""

import itertools

import pytest

from tests.endpoint.wire import RawResponse, exchange, head
from tokens.secrets import PREFIX, generate

OWN = "an-own-secret-that-nobody-has-" + "x" * 22


def ask(url: str, path: str, secret: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """The answer without what differs each time: the date, and the id of the trigger."""
    answer: RawResponse = exchange(url, head("GET", path, ("Authorization", f"Bearer {secret}")))
    fields = [(name, value) for name, value in answer.fields if name not in {"Date", "X-Trigger-Id"}]
    assert len(fields) == len(answer.fields) - 2
    return answer.status_line, fields, answer.content


def test_unknown_disabled_and_not_allowed_are_the_same_to_the_byte(stack, publish):
    path = publish().path
    _, disabled = publish.token(is_disabled=True)
    _, not_allowed = publish.token()
    mistyped = generate()[:-1] + "-"
    assert mistyped.startswith(PREFIX)
    secrets = (generate(), OWN, disabled, not_allowed, mistyped, "short", "")
    answers = [ask(stack.url, path, secret) for secret in secrets]
    assert answers[0][0] == "HTTP/1.1 401 Unauthorized"
    assert [answer == answers[0] for answer in answers] == [True] * len(answers)


def test_a_disabled_token_learns_nothing_of_the_routes(stack, publish):
    token, secret = publish.token(is_disabled=True)
    paths = [publish(token=(token, secret)).path, publish().path, "/api/custom/nothing/here"]
    first, *others = [ask(stack.url, path, secret) for path in paths]
    assert others == [first, first]


@pytest.mark.parametrize("path", ["/api/custom/nothing/here", "/api/custom/a%00b", "/api/custom/..", "/api/custom/%FF"])
def test_nobody_learns_which_routes_exist(stack, publish, path):
    assert ask(stack.url, path, generate()) == ask(stack.url, publish().path, generate())


def test_the_answer_is_the_same_on_every_connection(stack, publish):
    path = publish().path
    answers = [ask(stack.url, path, generate()) for _ in range(10)]
    assert all(one == other for one, other in itertools.pairwise(answers))
