"""Searching the mirror: what is found, for whom, and that the database answers when Elasticsearch does not."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from objects.changes import delete_checked, save_checked
from search.query import matching_ids
from testbed.stack import free_port
from tests.management.conftest import client_of, user_with

DEFINITIONS = "/api/management/definitions/"
TOKENS = "/api/management/tokens/"


@pytest.fixture
def people(open_db):
    """`people(*flags)`: a client of a new user with these flags; all users are deleted at the end."""
    made: list[int] = []

    def people(*flags: str) -> APIClient:
        user = user_with(*flags)
        made.append(user.pk)
        return client_of(user)

    yield people
    User.objects.filter(pk__in=made).delete()


@pytest.fixture
def reader(people):
    """A client that may view definitions and tokens."""
    return people("definitions.ui_available", "tokens.ui_available")


@pytest.fixture
def apis(mirror, publish):
    """Three APIs by name, mirrored."""
    named = {
        "temperature": publish(route="sites/{id}/encoder_rack/temperature", token=publish.token(name="Acme billing")),
        "restart": publish(route="sites/{id}/encoder_rack/restart"),
        "invoice": publish(route="billing/invoices/{number}", name="Print an invoice"),
    }
    for name, api in named.items():
        api.definition.description = f"All about {name}"
        api.definition = save_checked(api.definition, "ann")
    mirror.drain()
    return named


def _search(client: APIClient, text: str, path: str = DEFINITIONS, **query: Any) -> list[str]:
    response = client.get(path, {"search": text} | query)
    assert response["X-Search-Source"] == "elasticsearch", response.content
    return [each["id"] for each in response.json()["results"]]


FOUND_BY = [
    ("temperature", ["temperature"]),
    ("temprature", ["temperature"]),
    ("tempera", ["temperature"]),
    ("rack temp", ["temperature"]),
    ("sites/{id}/encoder_rack/restart", ["restart"]),
    ("encoder_rack", ["restart", "temperature"]),
    ("ENCODER", ["restart", "temperature"]),
    ("Acme", ["temperature"]),
    ("print", ["invoice"]),
    ("printt invoise", ["invoice"]),
    ("nothing like it", []),
    ("billing invoices", ["invoice"]),
]


def test_search_finds_words_prefixes_typos_segments_and_token_names(apis, reader):
    for text, names in FOUND_BY:
        wanted = {str(apis[name].definition.pk) for name in names}
        assert set(_search(reader, text)) == wanted, text
        assert reader.get(f"{DEFINITIONS}count/", {"search": text}).json() == {"count": len(names)}, text


def test_closest_match_comes_first_unless_ordering_is_given(apis, reader):
    invoice, temperature = str(apis["invoice"].definition.pk), str(apis["temperature"].definition.pk)
    assert _search(reader, "billing") == [invoice, temperature]
    assert _search(reader, "billing", ordering="-route") == [temperature, invoice]
    assert _search(reader, "billing", limit=1, offset=1) == [temperature]
    assert _search(reader, temperature)[0] == temperature


def test_filters_narrow_a_search(apis, reader):
    temperature = apis["temperature"]
    token = str(temperature.token.pk)
    assert _search(reader, "encoder", allowedToken=token) == [str(temperature.definition.pk)]
    assert _search(reader, "encoder", createdAfter="2100-01-01") == []
    assert len(_search(reader, "encoder", lastModifiedBefore="2100-01-01T00:00:00Z", createdBy="system")) == 2
    assert _search(reader, "acme", path=TOKENS, isDisabled="false") == [token]
    assert _search(reader, "acme", path=TOKENS, isDisabled="true") == []


def test_token_names_are_searched_only_for_users_who_may_view_tokens(apis, people):
    client = people("definitions.ui_available")
    assert _search(client, "Acme") == []
    assert "Acme" not in str(client.get(DEFINITIONS, {"search": "temperature"}).json())


def test_highlights_mark_matches_and_escape_markup(apis, mirror, publish, reader):
    odd = publish(route="odd")
    odd.definition.name = "<script>alert(1)</script> temperature & co"
    save_checked(odd.definition, "ann")
    mirror.drain()
    highlights = reader.get(DEFINITIONS, {"search": "temperature"}).json()["highlights"]
    assert highlights[str(odd.definition.pk)]["name"] == [
        "&lt;script&gt;alert(1)&lt;/script&gt; <em>temperature</em> &amp; co"
    ]
    assert "<em>temperature</em>" in highlights[str(apis["temperature"].definition.pk)]["route"][0]


def test_deleted_object_is_never_found(apis, reader):
    """It is deleted in the database, but not in the mirror yet."""
    delete_checked(apis["restart"].definition, "ann")
    assert _search(reader, "restart") == []
    assert _search(reader, "encoder") == [str(apis["temperature"].definition.pk)]


def test_search_for_odd_texts_answers_200(apis, reader):
    for text in ('"', "{id}", "***", "a" * 3_000, "\\", "AND OR", " ", "*:*", "é" * 600, "/", "{}"):
        assert reader.get(DEFINITIONS, {"search": text}).status_code == 200, text


def test_list_without_search_has_no_search_source(apis, reader):
    assert not reader.get(DEFINITIONS).has_header("X-Search-Source")


def test_database_answers_when_elasticsearch_is_down(apis, mirror, reader):
    mirror.use(f"http://127.0.0.1:{free_port()}")
    response = reader.get(DEFINITIONS, {"search": "temperature"})
    assert response["X-Search-Source"] == "database"
    assert [each["id"] for each in response.json()["results"]] == [str(apis["temperature"].definition.pk)]
    assert "highlights" not in response.json()


def test_only_one_search_waits_for_a_silent_elasticsearch(apis, mirror, reader, silent_port):
    mirror.use(f"http://127.0.0.1:{silent_port.port}")
    for _ in range(3):
        assert reader.get(DEFINITIONS, {"search": "temperature"})["X-Search-Source"] == "database"
    assert silent_port.connections() == 1


def test_elasticsearch_is_asked_again_after_a_pause(apis, mirror, reader, monkeypatch):
    from search import elasticsearch_query

    monkeypatch.setattr(elasticsearch_query, "PAUSE_SECONDS", 0.2)
    url = mirror.settings.ELASTICSEARCH_URL[0]
    mirror.use(f"http://127.0.0.1:{free_port()}")
    assert reader.get(DEFINITIONS, {"search": "temperature"})["X-Search-Source"] == "database"
    mirror.settings.ELASTICSEARCH_URL = [url]
    from search.connection import client

    client.cache_clear()
    time.sleep(0.3)
    assert len(_search(reader, "temperature")) == 1


def test_database_answers_when_the_index_is_missing(apis, mirror, reader):
    (index,) = mirror.client.indices.get(index=f"{mirror.prefix}-definitions")
    mirror.client.indices.delete(index=index)
    response = reader.get(DEFINITIONS, {"search": "temperature"})
    assert response["X-Search-Source"] == "database"
    assert response.json()["count"] == 1


def test_matching_ids_finds_tokens_and_ignores_blank_text(apis, mirror, reader):
    result = matching_ids("tokens", "acm", User(is_superuser=True, is_active=True), limit=5)
    assert result.ids == [str(apis["temperature"].token.pk)]
    assert result.is_from_mirror
    assert not matching_ids("tokens", "  ", User(is_superuser=True, is_active=True)).is_from_mirror


def test_console_lists_search_the_mirror_and_fall_back_to_the_database(apis, mirror, client, open_db):
    user = User.objects.create_superuser("searcher")
    client.force_login(user)
    try:
        page = client.get("/console/definitions/apidefinition/", {"q": "temprature"})
        assert page.status_code == 200
        assert [row.pk for row in page.context["cl"].result_list] == [apis["temperature"].definition.pk]
        page = client.get("/console/tokens/apitoken/", {"q": "acm"})
        assert [row.pk for row in page.context["cl"].result_list] == [apis["temperature"].token.pk]
        mirror.use(f"http://127.0.0.1:{free_port()}")
        page = client.get("/console/definitions/apidefinition/", {"q": "restart"})
        assert [row.pk for row in page.context["cl"].result_list] == [apis["restart"].definition.pk]
    finally:
        user.delete()
