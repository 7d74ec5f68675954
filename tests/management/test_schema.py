"""The OpenAPI document: up to date, valid, complete, and usable by generators."""

import re
import subprocess
import sys
import uuid

import pytest
import yaml
from django.conf import settings
from django.test import Client
from openapi_spec_validator import validate

from management.schema import as_yaml, document
from tests.management.conftest import ROOT, only

# A request closes this thread's connection, if another test left one open.
pytestmark = pytest.mark.django_db

KEPT = settings.BASE_DIR / "docs" / "openapi.yaml"


def test_the_document_in_the_repository_is_up_to_date():
    hint = "renew it: .venv/bin/python manage.py spectacular --file docs/openapi.yaml"
    assert KEPT.read_bytes() == as_yaml(), hint


def test_the_document_is_valid():
    validate(yaml.safe_load(KEPT.read_text()))


def test_every_address_is_described():
    from management.urls import urlpatterns

    mounted = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)) for pattern in urlpatterns}
    described = {path.removeprefix(ROOT) for path in document()["paths"]}
    assert mounted - described == {"", "schema/", "docs/"}


@pytest.mark.parametrize(("query", "load"), [("", "json"), ("?format=json", "json"), ("?format=yaml", "yaml")])
def test_the_document_is_served_without_log_in(query, load):
    answer = Client().get(f"{ROOT}schema/{query}")
    assert answer.status_code == 200
    assert load in answer["Content-Type"] or answer["Content-Type"] == "application/vnd.oai.openapi"
    assert yaml.safe_load(answer.content) == yaml.safe_load(KEPT.read_text())


def test_other_formats_are_refused():
    assert only(Client().get(f"{ROOT}schema/?format=xml"), 400) == {"reason": "InvalidField", "field": "format"}


def test_the_page_loads_nothing_from_other_sites():
    page = Client().get(f"{ROOT}docs/")
    assert page.status_code == 200
    script = Client().get(f"{ROOT}docs/?script=")
    for text in (page.content.decode(), script.content.decode()):
        assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert f"{ROOT}schema/" in script.content.decode()
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.content.decode()):
        assert Client().get(address).status_code == 200, address


def _operations():
    return [operation for path in document()["paths"].values() for operation in path.values()]


def test_every_operation_has_a_summary_of_its_own():
    summaries = [operation["summary"] for operation in _operations()]
    assert all(summaries)
    assert len(set(summaries)) == len(summaries)


def test_errors_are_described_once():
    for operation in _operations():
        refused = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert refused == {status: {"$ref": f"#/components/responses/Error{status}"} for status in refused}


def test_texts_that_may_not_be_empty_say_so():
    schemas = document()["components"]["schemas"]
    assert document()["servers"]
    for schema, name in (("Token", "name"), ("Script", "name"), ("Script", "source"), ("Definition", "route")):
        assert schemas[f"{schema}Request"]["properties"][name]["minLength"] == 1
    assert "nullable" not in str(schemas)


def test_a_generated_client_type_checks_and_reads_null(tmp_path):
    # Without its formatting, which needs ruff and rewrites types.
    (tmp_path / "config.yaml").write_text("post_hooks: []")
    target = ["--meta", "none", "--output-path", "made", "--config", "config.yaml"]
    _run("-m", "openapi_python_client", "generate", "--path", str(KEPT), *target, cwd=tmp_path)
    _run("-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "made", cwd=tmp_path)
    token = dict.fromkeys(("createdAt", "lastModified"), "2026-01-01T00:00:00Z") | {"name": "x", "isDisabled": False}
    token |= {"id": str(uuid.UUID(int=1)), "createdBy": "a", "lastModifiedBy": "a", "lastUsed": None, "rateLimit": None}
    _run("-c", f"from made.models import Token; assert Token.from_dict({token}).rate_limit is None", cwd=tmp_path)


def _run(*arguments, cwd=None):
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_in_it_looks_like_a_secret():
    text = KEPT.read_text()
    assert "udapi_" not in text
    assert "udapik" not in text
    assert not re.search(r"[A-Za-z0-9_\-.=+/]{40,}", re.sub(r"#/components/\S+|/api/management/\S+", "", text))
