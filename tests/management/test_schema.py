"""The OpenAPI document: kept, valid, shown, and true."""

import re

import pytest
import yaml
from django.conf import settings
from django.test import Client
from openapi_spec_validator import validate

from management.schema import as_yaml, document
from tests.management.conftest import ROOT, only

# The answer to a request gives this thread's connection back, if another test has left it one.
pytestmark = pytest.mark.django_db

KEPT = settings.BASE_DIR / "docs" / "openapi.yaml"


def test_the_document_in_the_repository_is_up_to_date():
    hint = "make it anew: .venv/bin/python manage.py spectacular --file docs/openapi.yaml"
    assert KEPT.read_bytes() == as_yaml(), hint


def test_the_document_is_valid():
    validate(yaml.safe_load(KEPT.read_text()))


def test_every_address_is_described():
    from management.urls import urlpatterns

    mounted = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)) for pattern in urlpatterns}
    described = {path.removeprefix(ROOT) for path in document()["paths"]}
    assert mounted - described == {"", "schema/", "docs/"}


@pytest.mark.parametrize(("query", "load"), [("", "json"), ("?format=json", "json"), ("?format=yaml", "yaml")])
def test_the_document_is_served_to_everybody(query, load):
    answer = Client().get(f"{ROOT}schema/{query}")
    assert answer.status_code == 200
    assert load in answer["Content-Type"] or answer["Content-Type"] == "application/vnd.oai.openapi"
    assert yaml.safe_load(answer.content) == yaml.safe_load(KEPT.read_text())


def test_there_is_no_other_format():
    assert only(Client().get(f"{ROOT}schema/?format=xml"), 400) == {"reason": "InvalidField", "field": "format"}


def test_the_page_shows_it_without_asking_elsewhere():
    page = Client().get(f"{ROOT}docs/")
    assert page.status_code == 200
    script = Client().get(f"{ROOT}docs/?script=")
    for text in (page.content.decode(), script.content.decode()):
        assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert f"{ROOT}schema/" in script.content.decode()
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.content.decode()):
        assert Client().get(address).status_code == 200, address


def test_nothing_in_it_looks_like_a_secret():
    text = KEPT.read_text()
    assert "udapi_" not in text
    assert "udapik" not in text
    assert not re.search(r"[A-Za-z0-9_\-.=+/]{40,}", re.sub(r"#/components/\S+|/api/management/\S+", "", text))
