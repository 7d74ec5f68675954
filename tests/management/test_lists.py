"""Lists: filters, order, search, pages and counts."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from definitions.models import ApiDefinition
from objects.changes import save_checked
from testbed.publisher import ECHO
from tests.management.conftest import ROOT, only
from tokens.models import ApiToken

RUN = "def run(engine): pass"


def found(client, path, by="name", **query):
    """The names (or `by`) of a list's entries; also checks that the count with the same filters agrees."""
    answer = client.get(ROOT + path, query)
    assert answer.status_code == 200, answer.content
    filters = {name: value for name, value in query.items() if name not in {"ordering", "limit", "offset"}}
    assert client.get(f"{ROOT}{path}count/", filters).json() == {"count": answer.json()["count"]}
    return [entry[by] for entry in answer.json()["results"]]


@pytest.fixture
def three(make):
    """Three definitions: `a` and `c` of one script, `b` of another; `b` allows two tokens, `c` none."""
    tokens = [make.token(name=name)[0] for name in ("t1", "t2")]
    echo, plain = make.script(ECHO, name="echo"), make.script(ECHO + RUN, name="plain")
    made = {}
    for name, script, allowed in (("a", echo, tokens[:1]), ("b", plain, tokens), ("c", echo, [])):
        definition = ApiDefinition(name=name, description=f"about {name}", route=f"site/{name}", script=script)
        if name == "b":
            definition.action_type, definition.input_type = "AutomationScriptNoEntryPoint", ""
        from definitions.changes import save_definition

        made[name] = save_definition(definition, f"user {name}", allowed)
    return made, tokens


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "abc"),
        ({"name": "b"}, "b"),
        ({"name": "B"}, ""),
        ({"route": "site/c"}, "c"),
        ({"actionType": "AutomationScript"}, "ac"),
        ({"actionType": "AutomationScriptNoEntryPoint"}, "b"),
        ({"scriptName": "echo"}, "ac"),
        ({"createdBy": "user a"}, "a"),
        ({"lastModifiedBy": "user b"}, "b"),
        ({"createdBy": "user a", "name": "b"}, ""),
        ({"search": "site"}, "abc"),
        ({"search": "about B"}, "b"),
        ({"search": "PLAIN"}, "b"),
        ({"search": "%"}, ""),
        ({"ordering": "-name"}, "cba"),
        ({"ordering": "-route"}, "cba"),
        ({"ordering": "-actionType,-name"}, "bca"),
        ({"ordering": "scriptName,-name"}, "cab"),
        ({"ordering": "-allowedTokens"}, "bac"),
        ({"ordering": "allowedToken,name"}, "cab"),
        ({"ordering": "createdAt"}, "abc"),
        ({"ordering": "-lastModified"}, "cba"),
        ({"ordering": "-createdBy"}, "cba"),
        ({"ordering": "-lastModifiedBy"}, "cba"),
        ({"limit": 2}, "ab"),
        ({"limit": 2, "offset": 1}, "bc"),
        ({"offset": 3}, ""),
    ],
)
def test_definitions_are_filtered_searched_ordered_and_paged(admin, three, query, expected):
    assert found(admin, "definitions/", **query) == list(expected)


def test_definitions_are_filtered_by_id_token_and_time(admin, three):
    made, (first, second) = three
    assert found(admin, "definitions/", id=made["b"].pk) == ["b"]
    assert found(admin, "definitions/", search=made["b"].pk) == ["b"]
    assert found(admin, "definitions/", id=uuid.uuid4()) == []
    assert found(admin, "definitions/", allowedToken=first.pk) == ["a", "b"]
    assert found(admin, "definitions/", allowedToken=second.pk) == ["b"]
    wire = {entry["name"]: entry for entry in admin.get(f"{ROOT}definitions/").json()["results"]}
    assert found(admin, "definitions/", createdAfter=wire["a"]["createdAt"]) == ["b", "c"]
    assert found(admin, "definitions/", createdBefore=wire["c"]["createdAt"]) == ["a", "b"]
    assert found(admin, "definitions/", lastModifiedAfter=wire["b"]["lastModified"]) == ["c"]
    assert found(admin, "definitions/", lastModifiedBefore="2001-01-01T00:00:00") == []
    assert found(admin, "definitions/", lastModifiedBefore="2999-01-01T00:00:00+02:00") == ["a", "b", "c"]
    assert found(admin, "definitions/", by="id", ordering="id") == sorted(str(one.pk) for one in made.values())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["a", "b"]),
        ({"name": "a"}, ["a"]),
        ({"isDisabled": "true"}, ["b"]),
        ({"isDisabled": "false"}, ["a"]),
        ({"search": "B"}, ["b"]),
        ({"ordering": "-isDisabled"}, ["b", "a"]),
        ({"ordering": "-name"}, ["b", "a"]),
        ({"createdBy": "system", "ordering": "createdAt"}, ["a", "b"]),
    ],
)
def test_tokens_are_filtered_searched_and_ordered(admin, make, query, expected):
    make.token(name="a")
    make.token(name="b", is_disabled=True)
    assert found(admin, "tokens/", **query) == expected


def test_scripts_are_filtered_searched_and_ordered(admin, make):
    make.script(name="a", description="first")
    make.script(name="b")
    assert found(admin, "scripts/") == ["a", "b"]
    assert found(admin, "scripts/", ordering="-name") == ["b", "a"]
    assert found(admin, "scripts/", search="FIRST") == ["a"]
    assert found(admin, "scripts/", name="b") == ["b"]


@pytest.mark.parametrize("kind", ["definitions", "tokens", "scripts"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1e3", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("limit=²", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999", "offset"),
        ("offset=x", "offset"),
        ("ordering=source", "ordering"),
        ("ordering=", "ordering"),
        ("ordering=name,", "ordering"),
        ("ordering=--name", "ordering"),
        ("ordering=secret_digest", "ordering"),
        ("ordering=%00", "ordering"),
        ("id=5", "id"),
        ("id=%00", "id"),
        ("createdAfter=yesterday", "createdAfter"),
        ("createdAfter=2026-13-01T00:00:00Z", "createdAfter"),
        ("createdAfter=0001-01-01T00:00:00%2B14:00", "createdAfter"),
        ("createdBefore=%00", "createdBefore"),
        ("name=%00", "name"),
        ("search=%00", "search"),
        ("name=a&name=b", "name"),
        ("nmae=a", "nmae"),
        ("name__startswith=a", "name__startswith"),
        ("secret_digest=a", "secret_digest"),
        ("format=json", "format"),
    ],
)
def test_a_malformed_query_is_refused(admin, kind, query, field):
    assert only(admin.get(f"{ROOT}{kind}/?{query}"), 400) == {"reason": "InvalidField", "field": field}
    if field not in {"limit", "offset", "ordering"}:
        assert only(admin.get(f"{ROOT}{kind}/count/?{query}"), 400)["field"] == field


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("definitions/?actionType=Other", "actionType"),
        ("definitions/?allowedToken=x", "allowedToken"),
        ("tokens/?isDisabled=1", "isDisabled"),
        ("tokens/count/?limit=5", "limit"),
        ("nodes/?name=x", "name"),
        ("keys/?name=x", "name"),
    ],
)
def test_a_parameter_that_this_list_lacks_is_refused(admin, query, field):
    assert only(admin.get(ROOT + query), 400) == {"reason": "InvalidField", "field": field}


def test_pages_lead_to_each_other(admin, make):
    for number in range(5):
        make.token(name=f"t{number}")
    address, seen = f"{ROOT}tokens/?limit=2&search=t", []
    while address:
        page = admin.get(address).json()
        assert page["count"] == 5
        seen += [entry["name"] for entry in page["results"]]
        last, address = page, page["next"]
    assert seen == ["t0", "t1", "t2", "t3", "t4"]
    back = admin.get(last["previous"]).json()
    assert [entry["name"] for entry in back["results"]] == ["t2", "t3"]
    assert "search=t" in last["previous"]


def test_a_page_has_100_entries_by_default(admin, make):
    ApiToken._base_manager.bulk_create(
        ApiToken(name=f"t{number:03}", secret_digest=f"{number:064}", pepper_id=1) for number in range(150)
    )
    assert len(found(admin, "tokens/")) == 100
    assert len(found(admin, "tokens/", limit=10_000)) == 150


@pytest.mark.parametrize("kind", ["definitions", "tokens", "scripts"])
def test_queries_do_not_grow_with_the_rows(admin, make, kind):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(f"{ROOT}{kind}/", {"search": "t"}).status_code == 200
        return len(captured)

    make()
    few = queries()
    for _ in range(20):
        make()
    assert queries() == few


def test_times_of_filters_are_exact(admin, make):
    token, _ = make.token(name="a")
    token.created_at = timezone.now() - timedelta(days=1)
    save_checked(token, "me")
    moment = admin.get(f"{ROOT}tokens/{token.pk}/").json()["createdAt"]
    assert found(admin, "tokens/", createdAfter=moment) == found(admin, "tokens/", createdBefore=moment) == []
