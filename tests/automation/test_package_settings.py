"""The operator's settings of packages."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from automation.requirements import allowed_names
from foundation import env
from udapi_site.checks import check_package_index, check_wheelhouse


@pytest.mark.parametrize(
    "value",
    [
        "packages.example.com",
        "ftp://u:hidden@a/simple/",
        "file:///hidden",
        "http://",
        "https://u:hidden@",
        "https://u:hidden@a:x/",
        "https://u:hidden@a:0/",
        "https://u:hidden@[a/",
        "https://u:hid den@a/",
        "https://u:hidden\x1b@a/",
        "https://u:hidden@ä/",
    ],
)
def test_an_unusable_index_stops_the_start_without_showing_the_password(monkeypatch, tmp_path, value):
    (tmp_path / "url").write_text(value)
    monkeypatch.setenv("UDAPI_PACKAGE_INDEX_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(ImproperlyConfigured) as error:
        env.package_index("UDAPI_PACKAGE_INDEX_URL")
    assert str(error.value) == "UDAPI_PACKAGE_INDEX_URL must look like https://packages.example.com/simple/."
    assert error.value.__cause__ is None


def test_an_index_may_have_a_log_in(monkeypatch, tmp_path):
    assert env.package_index("UDAPI_PACKAGE_INDEX_URL") == ""
    (tmp_path / "url").write_text("https://user:pass%20word@packages.example.com:8443/simple/\n")
    monkeypatch.setenv("UDAPI_PACKAGE_INDEX_URL_FILE", str(tmp_path / "url"))
    found = env.package_index("UDAPI_PACKAGE_INDEX_URL")
    assert found == "https://user:pass%20word@packages.example.com:8443/simple/"


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("", []),
        ("http://packages.example.com/", []),
        ("https://u:p@packages.example.com/", []),
        ("http://u:p@127.0.0.1/", []),
        ("http://u:p@packages.example.com/", ["udapi.W018"]),
    ],
)
def test_a_log_in_that_travels_in_the_clear_is_reported(settings, url, ids):
    settings.UDAPI_PACKAGE_INDEX_URL = url
    found = check_package_index(None)
    assert [message.id for message in found] == ids
    assert "u:p" not in str(found)


def test_a_wheelhouse_is_an_absolute_path(monkeypatch, tmp_path):
    monkeypatch.delenv("UDAPI_WHEELHOUSE", raising=False)
    assert env.directory("UDAPI_WHEELHOUSE") is None
    monkeypatch.setenv("UDAPI_WHEELHOUSE", str(tmp_path))
    assert env.directory("UDAPI_WHEELHOUSE") == tmp_path
    for wrong in ("wheels", "/srv/wheels,old", "/srv/${HOME}"):
        monkeypatch.setenv("UDAPI_WHEELHOUSE", wrong)
        with pytest.raises(ImproperlyConfigured, match="UDAPI_WHEELHOUSE must be the absolute path"):
            env.directory("UDAPI_WHEELHOUSE")


def test_a_missing_wheelhouse_is_reported(settings, tmp_path):
    settings.UDAPI_WHEELHOUSE = None
    assert check_wheelhouse(None) == []
    settings.UDAPI_WHEELHOUSE = tmp_path
    assert check_wheelhouse(None) == []
    settings.UDAPI_WHEELHOUSE = tmp_path / "missing"
    assert [message.id for message in check_wheelhouse(None)] == ["udapi.W017"]


def test_allowed_names_are_normalised(monkeypatch, settings):
    settings.UDAPI_PACKAGES_ALLOWED = env.package_names("UDAPI_PACKAGES_ALLOWED")
    assert allowed_names() is None
    monkeypatch.setenv("UDAPI_PACKAGES_ALLOWED", "PyYAML, ruamel.yaml,typing__extensions")
    settings.UDAPI_PACKAGES_ALLOWED = env.package_names("UDAPI_PACKAGES_ALLOWED")
    assert allowed_names() == frozenset({"pyyaml", "ruamel-yaml", "typing-extensions"})


@pytest.mark.parametrize("value", ["httpx>=1", "a b", "-x", "https://a", "*"])
def test_names_that_no_package_has_are_refused(monkeypatch, value):
    monkeypatch.setenv("UDAPI_PACKAGES_ALLOWED", f"six,{value}")
    with pytest.raises(ImproperlyConfigured, match="UDAPI_PACKAGES_ALLOWED must be names of packages"):
        env.package_names("UDAPI_PACKAGES_ALLOWED")
