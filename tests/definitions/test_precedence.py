"""Which of several matching routes answers, regardless of the order in which they were made."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.definitions import model
from tests.definitions.conftest import found
from tests.definitions.strategies import in_database, undone

PATH = ("a", "b", "c", "d")


def _route(is_literal: tuple[bool, ...]) -> str:
    return "/".join(part if literal else f"{{{part}}}" for part, literal in zip(PATH, is_literal, strict=True))


ALL = [_route(choice) for choice in itertools.product([True, False], repeat=len(PATH))]


@pytest.mark.parametrize(
    ("better", "worse", "path"),
    [
        ("foo/bar", "foo/{bar}", "foo/bar"),
        ("foo/{bar}", "{foo}/bar", "foo/bar"),
        ("{a}/b/c", "a/{b}/{c}", "a/b/c"),
        ("a/{b}/{c}", "{a}/b/{c}", "a/b/c"),
        ("{a}/b/{c}", "{a}/{b}/c", "a/b/c"),
        ("{a}/{b}/c", "{a}/{b}/{c}", "a/b/c"),
        ("a/b/{c}", "a/{b}/c", "A/B/C"),
        ("a", "{a}", "a"),
    ],
)
def test_the_more_exact_route_answers(publish_in_process, better, worse, path):
    segments = tuple(path.split("/"))
    assert model.winner([worse, better], segments) == better
    for first, second in ((better, worse), (worse, better)):
        with undone():
            publish_in_process(first)
            publish_in_process(second)
            answer = found(segments)
            assert answer is not None
            assert answer[0] == better


@in_database
@given(st.permutations(ALL))
def test_matching_routes_answer_in_order_as_better_ones_are_deleted(publish_in_process, order):
    """Sixteen routes match one path; the winner is deleted until none is left."""
    with undone():
        left = {route: publish_in_process(route) for route in order[:10]}
        while left:
            expected = model.winner(left, PATH)
            assert expected is not None
            assert found(PATH) == (expected, model.parameters(expected, PATH))
            left.pop(expected).delete()
        assert found(PATH) is None


def test_a_better_route_that_leads_nowhere_is_no_dead_end(publish_in_process):
    publish_in_process("a/b/x")
    publish_in_process("a/{b}/{c}/y")
    publish_in_process("{a}/{b}/{c}/{d}")
    assert found(PATH) == ("{a}/{b}/{c}/{d}", {"a": "a", "b": "b", "c": "c", "d": "d"})
    assert found(("a", "b", "c", "Y")) == ("a/{b}/{c}/y", {"b": "b", "c": "c"})
