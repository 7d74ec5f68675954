"""What the form of a definition says about a route while the user types."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.definitions.route_check import check
from definitions import routes
from tests.console.conftest import FLAGS

ADDRESS = "/console/definitions/apidefinition/check-route/"


def said(client, route, own="") -> str:
    response = client.get(ADDRESS, {"route": route, "own": own})
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize(
    ("route", "text"),
    [
        ("a//b", "empty segment"),
        ("a b", "white space"),
        ("do{x}it", "Braces are for"),
        ("x" * 400, "more than 260"),
        ("a\0", "control character"),
        ("new", "This route is free"),
    ],
)
def test_invalid_routes_are_explained(admin, route, text):
    assert text in said(admin, route)


def test_an_empty_route_is_not_complained_about(admin):
    assert said(admin, "").strip() == ""


def test_a_route_in_use_leads_to_the_definition(admin, make):
    definition = make(route="ticket/{id}").definition
    shown = said(admin, "Ticket/{other}")
    assert "Already taken by" in shown
    assert str(definition.pk) in shown
    assert "This route is free" in said(admin, "Ticket/{other}", own=str(definition.pk))
    assert "Already taken by" in said(admin, "Ticket/{other}", own="rubbish")


def test_precedence_between_routes_is_shown(admin, make):
    make(route="a/{x}/c")
    make(route="a/b/c")
    make(route="a/{x}")
    found = check("{y}/b/c", None)
    assert [one.route for one in found.shadowed_by] == ["a/b/c", "a/{x}/c"]
    found = check("a/b/{z}", None)
    assert [one.route for one in found.shadows] == ["a/{x}/c"]
    assert [one.route for one in found.shadowed_by] == ["a/b/c"]
    shown = said(admin, "a/b/{z}")
    assert "More specific APIs answer some of these paths:" in shown
    assert "Takes precedence over:" in shown
    assert check("b/b/c", None).shadows == []


@pytest.mark.parametrize("missing", ["definitions.ui_available", "definitions.add_edit", "automation.execute"])
def test_who_may_not_use_the_form_learns_nothing(visit, make, missing):
    make(route="secret/place")
    response = visit(*FLAGS - {missing}).get(ADDRESS, {"route": "secret/place"})
    assert response.status_code == 403


parts = st.sampled_from(["a", "b", "{x}", "{y}"])


@given(st.lists(parts, min_size=1, max_size=4), st.lists(parts, min_size=1, max_size=4))
def test_routes_overlap_when_a_path_fits_both(one, other):
    assume(all(len(set(p)) == len(p) for p in ([x for x in side if x[0] == "{"] for side in (one, other))))

    def fits(route, path):
        return len(route) == len(path) and all(
            part[0] == "{" or part == sent for part, sent in zip(route, path, strict=True)
        )

    both = any(fits(one, path) and fits(other, path) for path in itertools.product("abc", repeat=len(one)))
    assert routes.overlap(tuple(one), tuple(other)) is both
    assert routes.overlap(tuple(other), tuple(one)) is both


def test_the_own_unchanged_route_is_not_called_free(admin, make):
    own = make(route="own/{id}").definition
    make(route="own/fixed")

    def shown(route):
        answer = admin.get("/console/definitions/apidefinition/check-route/", {"route": route, "own": str(own.pk)})
        return answer.content.decode()

    assert "This route is free." not in shown("own/{id}")
    assert "More specific APIs" in shown("own/{id}")
    assert "This route is free." in shown("own/{other}")
