"""Elasticsearch over https, with a private certificate authority and an API key."""

import secrets
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from foundation import env
from objects.changes import save_checked
from search import state
from search.models import Intent
from testbed.elasticsearch_proxy import certificate, guarded
from tests.management.conftest import client_of, user_with

KEY = "a2V5LWlkOg" + secrets.token_hex(16)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    """The certificates of two authorities."""
    directory = tmp_path_factory.mktemp("certificates")
    return certificate(directory, "right"), certificate(directory, "wrong")


@pytest.fixture
def guard(mirror, authorities, settings):
    """A proxy in front of Elasticsearch that demands TLS and an API key; the product has certificate and key."""
    login = (settings.ELASTICSEARCH_USER, settings.ELASTICSEARCH_PASSWORD)
    guard = guarded(mirror.server.url, authorities[0], KEY, login)
    settings.ELASTICSEARCH_USER = settings.ELASTICSEARCH_PASSWORD = ""
    settings.ELASTICSEARCH_API_KEY, settings.ELASTICSEARCH_CA = KEY, authorities[0].read_text()
    mirror.use(guard.url)
    yield guard
    settings.ELASTICSEARCH_USER, settings.ELASTICSEARCH_PASSWORD = login
    settings.ELASTICSEARCH_API_KEY = settings.ELASTICSEARCH_CA = ""
    mirror.use(mirror.server.url)
    guard.close()


def _files(guard, mirror, directory, authority, key: str) -> dict[str, str]:
    """The environment of a process, with the secrets in files."""
    (directory / "key").write_text(f"{key}\n")
    return {
        "ELASTICSEARCH_URL": guard.url,
        "ELASTICSEARCH_PREFIX": mirror.prefix,
        "ELASTICSEARCH_API_KEY_FILE": str(directory / "key"),
        "ELASTICSEARCH_CA_FILE": str(authority),
    }


def test_changes_arrive_with_key_and_certificate_in_files(
    guard, mirror, authorities, background, publish, eventually, tmp_path
):
    background(_files(guard, mirror, tmp_path, authorities[0], KEY))
    api = publish()
    eventually(lambda: str(api.definition.pk) in mirror.documents(), what="the document")
    assert mirror.check() == {}


@pytest.mark.parametrize("wrong", ["key", "authority"])
def test_wrong_key_or_certificate_shows_in_the_state_and_delays_no_change(
    guard, mirror, authorities, background, publish, eventually, tmp_path, wrong
):
    right = wrong == "key"
    key = KEY if not right else "wrong" + KEY[5:]
    background(_files(guard, mirror, tmp_path, authorities[0 if right else 1], key))
    eventually(lambda: state.current().failure, what="the state")
    now = state.current()
    assert ("401" if wrong == "key" else "ELASTICSEARCH_CA_FILE") in now.failure
    assert key not in now.failure
    assert not now.is_reachable
    api = publish()
    api.definition.name = "changed"
    save_checked(api.definition, "ann")
    assert Intent.objects.exists()


@pytest.mark.parametrize("wrong", ["key", "authority", "none", "another name", "no TLS"])
def test_wrong_key_or_certificate_fails_commands_and_leaves_searches_to_the_database(
    guard, mirror, authorities, publish, settings, wrong
):
    api = publish(route="temperature")
    url = guard.url
    if wrong == "key":
        settings.ELASTICSEARCH_API_KEY = "wrong"
    elif wrong == "another name":
        url = url.replace("127.0.0.1", "localhost")
    elif wrong == "no TLS":
        url = mirror.server.url.replace("http://", "https://")
    else:
        settings.ELASTICSEARCH_CA = authorities[1].read_text() if wrong == "authority" else ""
    mirror.use(url)
    with pytest.raises(CommandError, match="401" if wrong == "key" else "ELASTICSEARCH_CA_FILE") as error:
        call_command("mirror", "check", stdout=StringIO())
    assert KEY not in str(error.value)
    assert "Traceback" not in str(error.value)
    print(error.value)
    reader = user_with("definitions.ui_available")
    try:
        answer = client_of(reader).get("/api/management/definitions/", {"search": "temperature"})
        assert answer["X-Search-Source"] == "database"
        assert [each["id"] for each in answer.json()["results"]] == [str(api.definition.pk)]
    finally:
        reader.delete()


@pytest.mark.parametrize("content", ["rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "é"])
def test_invalid_certificate_stops_the_start(monkeypatch, tmp_path, content):
    (tmp_path / "ca").write_text(content)
    monkeypatch.setenv("ELASTICSEARCH_CA_FILE", str(tmp_path / "ca"))
    with pytest.raises(ImproperlyConfigured, match="PEM"):
        env.certificates("ELASTICSEARCH_CA")


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\nb"])
def test_key_that_fits_no_header_stops_the_start_without_showing_it(monkeypatch, key):
    monkeypatch.setenv("ELASTICSEARCH_API_KEY", key)
    with pytest.raises(ImproperlyConfigured) as error:
        env.header("ELASTICSEARCH_API_KEY")
    assert key not in str(error.value)
