"""Properties of all routes: each resolves to itself, conflicts are refused, and order does not affect precedence."""

import unicodedata
from urllib.parse import quote

from django.core.exceptions import ValidationError
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from definitions import routes
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from tests.definitions import model
from tests.definitions.conftest import found
from tests.definitions.strategies import (
    any_literals,
    in_database,
    request_values,
    requests_for,
    undone,
)
from tests.definitions.strategies import routes as valid_routes
from tests.refusals import only_reason


def _request(segments):
    """Percent-encode the segments as a client does, and read them as the product does."""
    return routes.request_segments("/".join(quote(segment, safe="") for segment in segments))


@in_database
@given(data=st.data(), route=valid_routes(any_literals, most=5))
def test_what_is_accepted_resolves_to_itself(publish_in_process, data, route):
    segments = data.draw(requests_for(route, request_values))
    with undone():
        publish_in_process(route)
        assert _request(segments) == segments
        assert found(_request(segments)) == (route, model.parameters(route, segments))


@in_database
@given(data=st.data(), routes_in_order=st.lists(valid_routes(), min_size=1, max_size=8))
def test_conflicts_are_refused_and_precedence_holds_in_every_order(publish_in_process, data, routes_in_order):
    with undone():
        saved: dict[str, ApiDefinition] = {}
        for route in routes_in_order:
            rival = next((other for other in saved if model.conflict(route, other)), None)
            try:
                saved[route] = publish_in_process(route)
            except ValidationError as error:
                reason, details = only_reason(error)
                assert rival is not None, f"{route} was refused among {list(saved)}"
                assert reason == "RouteInUse"
                assert (details["conflictingDefinitionId"], details["route"]) == (str(saved[rival].pk), route)
            else:
                assert rival is None, f"{route} was accepted besides {rival}"
        for route in saved:
            segments = data.draw(requests_for(route, st.one_of(st.sampled_from(["a", "ss", "é", "k"]), request_values)))
            expected = model.winner(saved, segments)
            assert expected is not None
            assert found(_request(segments)) == (expected, model.parameters(expected, segments))


@in_database
@given(routes_in_order=st.lists(valid_routes(), max_size=6), segments=st.lists(request_values, min_size=1, max_size=5))
def test_any_request_goes_where_the_naive_model_sends_it(publish_in_process, routes_in_order, segments):
    with undone():
        saved: list[str] = []
        for route in routes_in_order:
            if not any(model.conflict(route, other) for other in saved):
                publish_in_process(route)
                saved.append(route)
        expected = model.winner(saved, segments)
        answer = found(_request(segments))
        assert (answer and answer[0]) == expected


@settings(max_examples=200, deadline=None)
@given(one=valid_routes(), other=valid_routes())
@example("ŉ", "\u02bcn")
@example("ß/{a}", "SS/{b}")
def test_signatures_are_equal_exactly_when_routes_match_the_same_paths(one, other):
    same = routes.signature(routes.parse(one)) == routes.signature(routes.parse(other))
    assert same == model.conflict(one, other)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("aB/{}.%:éß \u0301\0😀"), max_size=12))
def test_whatever_is_sent_is_accepted_in_nfc_or_refused(text):
    try:
        segments = routes.parse(text)
    except routes.InvalidRouteError as error:
        assert str(error)  # noqa: PT017  it says why
        return
    route = unicodedata.normalize("NFC", text)
    assert "/".join(segments) == route
    assert routes.parse(route) == segments
    assert not set(route) & set("%: \0")
    assert "" not in segments
    assert not {".", ".."} & set(segments)
    assert all(part[0] + part[-1] == "{}" and "{" not in part[1:] for part in segments if set(part) & {"{", "}"})


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 130), st.sampled_from(["a", "ß", "ΐ", "é", "e\u0301", "😀", "\u0958"]))
def test_the_limit_counts_characters_in_nfc(count, character):
    route = "/".join([character] * count)
    fits = len("api/custom/" + unicodedata.normalize("NFC", route)) <= 260
    try:
        routes.parse(route)
        accepted = True
    except routes.InvalidRouteError:
        accepted = False
    assert accepted == fits


@in_database
@given(data=st.data(), old=valid_routes(), new=valid_routes())
def test_after_an_edit_the_old_route_is_free_and_the_new_one_answers(publish_in_process, data, old, new):
    assume(not model.conflict(old, new))
    with undone():
        definition = publish_in_process(old)
        definition.route = new
        save_definition(definition, by="system")
        segments = data.draw(requests_for(old, request_values))
        answer = found(segments)
        assert (answer and answer[0]) == (new if model.matches(new, segments) else None)
        publish_in_process(old)
