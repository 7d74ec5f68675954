"""Who gets `/metrics`, and when there is none."""

import re

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured

from foundation import env
from testbed.stack import ROOT, wait_until
from tests.endpoint.wire import Connection, head
from tests.metrics.scrape import BEARER, OPENMETRICS, TOKEN, fetch, node_url, scrape, scrape_openmetrics

PRODUCT = ("foundation", "broker", "web", "endpoint", "fleet", "management", "runs", "udapi_site", "launcher")


def test_without_the_token_there_is_no_such_address(stack):
    unknown, metrics = stack.client.get("/unknown"), stack.client.get("/metrics", headers=BEARER)
    assert (metrics.status_code, metrics.text.replace("/metrics", "")) == (404, unknown.text.replace("/unknown", ""))


def test_both_formats_parse_and_tell_the_same(measured, publish_here):
    publish_here(route="parsed/{id}").call(measured.client, path='/api/custom/parsed/1"2')
    for url in (measured.url, node_url(measured)):
        wait_until(lambda url=url: fetch(url).status_code == 200)
        text, openmetrics = scrape(url), scrape_openmetrics(url)
        assert set(text) == set(openmetrics)
        assert fetch(url).headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert fetch(url, Accept=OPENMETRICS).headers["Content-Type"] == f"{OPENMETRICS}; charset=utf-8"
        assert not [name for name, _ in text if not re.match("(udapi|process)_[a-z_]+", name)]


def test_any_host_is_served_but_only_with_the_bearer(measured):
    assert fetch(measured.url, Host="10.0.0.7:8000").status_code == 200
    for url in (measured.url, node_url(measured)):
        for headers in ({}, {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": f"Basic {TOKEN}"}):
            refused = httpx.get(f"{url}/metrics", headers=headers)
            assert (refused.status_code, refused.content) == (401, b"")
            assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert httpx.get(f"{url}/metrics?token={TOKEN}").status_code == 401
        for method in ("HEAD", "POST", "DELETE", "OPTIONS"):
            answer = httpx.request(method, f"{url}/metrics", headers=BEARER)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET"), method


def test_token_is_in_no_log_and_no_sample(measured):
    texts = [fetch(url).text for url in (measured.url, node_url(measured))]
    texts += [measured.log_text(name) for name in ("endpoint.log", "refused.log", "manager.log")]
    assert not any(TOKEN in text for text in [*texts, measured.log.read_text()])


SPIES = """
from glob import glob
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    found = []
    for name in glob("/proc/*/environ"):
        try:
            found.append(open(name, encoding="latin-1").read())
        except OSError:
            pass
    return ApiTriggerOutput(response_body="\\n".join(found))
"""


def test_no_script_finds_the_token_in_the_environment_of_a_process(measured, publish_here):
    answer = publish_here(SPIES).call(measured.client)
    assert answer.status_code == 200
    assert TOKEN not in answer.text and "UDAPI_METRICS" not in answer.text


def test_body_is_left_unread_and_ends_the_connection(measured):
    for method, status in (("GET", 200), ("POST", 405)):
        with Connection(measured.url) as connection:
            # Without the body: whoever waited for it would not answer.
            connection.send(head(method, "/metrics", *BEARER.items(), ("Content-Length", "1000000")))
            answer = connection.answer()
        assert (answer.status_code, answer.headers["Connection"]) == (status, "close")


def test_port_that_is_taken_leaves_the_node_without_metrics(measured):
    with measured.another_worker():
        taken = f"no metrics: nothing can listen on 127.0.0.1 port {measured.environment['UDAPI_METRICS_PORT']}"
        assert taken in measured.log_text("manager.log")
        assert fetch(node_url(measured)).status_code == 200


@pytest.mark.parametrize("value", ["short", "x" * 31, "with a space " + "x" * 40, "é" * 40])
def test_token_that_cannot_be_used_stops_the_start_without_being_named(monkeypatch, value):
    monkeypatch.setenv("UDAPI_METRICS_TOKEN", value)
    with pytest.raises(ImproperlyConfigured, match="UDAPI_METRICS_TOKEN must be at least 32") as caught:
        env.bearer("UDAPI_METRICS_TOKEN")
    assert value not in str(caught.value)


def test_token_comes_from_a_file_too(monkeypatch, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("UDAPI_METRICS_TOKEN_FILE", str(file))
    assert env.bearer("UDAPI_METRICS_TOKEN") == TOKEN


def test_nothing_loads_the_library_unless_metrics_are_on():
    """Only modules that the settings name, or those that these import."""
    importing = {
        file.relative_to(ROOT).as_posix()
        for folder in PRODUCT
        for file in (ROOT / folder).rglob("*.py")
        if re.search("^(from|import) (prometheus_client|foundation.exposition)", file.read_text(), re.MULTILINE)
    }
    named = {"management/metrics_middleware.py", "fleet/node_metrics.py"}
    below = {"foundation/exposition.py", "foundation/metrics_server.py", "management/web_metrics.py"}
    below |= {"management/installation_metrics.py", "management/timed_source.py"}
    assert importing == named | below
    product = [ROOT / folder for folder in PRODUCT]
    modules = [file.removesuffix(".py").replace("/", ".") for file in importing]
    for file in (file for folder in product for file in folder.rglob("*.py")):
        if file.relative_to(ROOT).as_posix() not in importing:
            assert not re.search(f"^(from|import) ({'|'.join(modules)})", file.read_text(), re.MULTILINE), file
