"""The text that Prometheus reads, and who gets it."""

import socket
import threading
from contextlib import ExitStack

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed_text

from fleet import node_metrics
from foundation import exposition, metrics_server
from foundation.exposition import MetricsPage, is_authorized
from foundation.metrics import RUN_SECONDS, RUNS, Meters
from foundation.metrics_server import MetricsServer
from testbed.stack import free_port, wait_until
from tests.metrics.scrape import BEARER, TOKEN, samples

AWKWARD = 'quo"te\\slash\nline é'


@pytest.fixture
def page(monkeypatch):
    """A page with one run whose label needs quoting."""
    own = Meters()
    own.reserve()
    own.begin()
    own.add(RUNS, (AWKWARD, "Succeeded"))
    own.observe(RUN_SECONDS, ("Trigger",), 0.3)
    monkeypatch.setattr(exposition, "meters", own)
    return MetricsPage()


@pytest.mark.parametrize(
    ("accept", "is_openmetrics"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,*/*", True),
        ("application/openmetrics-text; version=nonsense", False),
        ("application/openmetrics-text; version=1.0.\r\n X-Evil: 1", False),
    ],
)
def test_format_follows_the_accept_header(page, accept, is_openmetrics):
    text, content_type = page.render(accept)
    assert "\n" not in content_type and "\r" not in content_type
    assert content_type.startswith("application/openmetrics-text" if is_openmetrics else "text/plain")
    parse = parsed_openmetrics if is_openmetrics else parsed_text
    found = samples(parse(text.decode()))
    assert found["udapi_runs_total", frozenset({("kind", AWKWARD), ("status", "Succeeded")})] == 1.0
    buckets = [number for (name, _), number in found.items() if name == "udapi_run_duration_seconds_bucket"]
    assert buckets == sorted(buckets) and buckets[-1] == 1.0


def test_other_bearer_is_refused():
    for secret in ("", f"{TOKEN}x", TOKEN[:-1], TOKEN.upper(), "\udcff", "é"):
        assert not is_authorized(f"Bearer {secret}", TOKEN)
    for header in ("", "Bearer", TOKEN, f"Basic {TOKEN}", f"Bearer{TOKEN}"):
        assert not is_authorized(header, TOKEN)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_bearer_is_accepted(scheme):
    assert is_authorized(f"{scheme} {TOKEN}", TOKEN)


@pytest.fixture
def server(page):
    made = MetricsServer("127.0.0.1", free_port(), TOKEN, page)
    made.start()
    yield made
    made.shutdown()
    made.server_close()


def _url(server: MetricsServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/metrics"


def _connect(server: MetricsServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.server_address[1]), 30)


def _ends(connection: socket.socket) -> bool:
    """Whether the server closes the connection without an answer."""
    try:
        return connection.recv(1_000) == b""
    except ConnectionResetError:
        return True


def test_server_of_a_node_answers_who_has_the_token(server):
    assert httpx.get(_url(server), headers=BEARER).status_code == 200
    refused = httpx.get(_url(server))
    assert (refused.status_code, refused.headers["WWW-Authenticate"], refused.content) == (401, "Bearer", b"")
    assert httpx.get(_url(server) + "/x", headers=BEARER).status_code == 404
    posted = httpx.post(_url(server), headers=BEARER)
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET")


def test_server_of_a_node_gives_up_slow_heads_and_large_ones(server, monkeypatch):
    monkeypatch.setattr(metrics_server, "HEAD_SECONDS", 0.5)
    with _connect(server) as slow, _connect(server) as large:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
        large.sendall(b"GET /metrics HTTP/1.1\r\nX-Large: " + b"x" * metrics_server.LARGEST_HEAD_BYTES)
        assert _ends(slow) and _ends(large)


def test_server_of_a_node_has_few_connections_and_gives_up_who_does_not_read(server, monkeypatch):
    rendered, goes_on = threading.Semaphore(0), threading.Event()

    def render(accept):
        rendered.release()
        goes_on.wait(60)
        return b"x" * 50_000_000, "text/plain"

    monkeypatch.setattr(server.page, "render", render)
    monkeypatch.setattr(metrics_server, "ANSWER_SECONDS", 0.5)
    head = f"GET /metrics HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    with ExitStack() as held:
        for _ in range(metrics_server.MOST_CONNECTIONS):
            held.enter_context(connection := _connect(server))
            connection.sendall(head)
            assert rendered.acquire(timeout=60)
        assert _ends(held.enter_context(_connect(server)))
        goes_on.set()
        wait_until(lambda: server._free._value == metrics_server.MOST_CONNECTIONS, what="threads that gave up")


def test_port_of_a_node_that_ends_is_taken_over(page, settings, monkeypatch, caplog):
    monkeypatch.setattr(node_metrics, "RETRY_SECONDS", 0.05)
    settings.UDAPI_METRICS_TOKEN, settings.UDAPI_METRICS_ADDRESS = TOKEN, "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.UDAPI_METRICS_PORT = port = taken.getsockname()[1]
        node_metrics.serve(page)
        assert f"nothing can listen on 127.0.0.1 port {port}" in caplog.text
    wait_until(lambda: _is_served(port), what="metrics on the port that is free now")
    assert caplog.text.count("nothing can listen") == 1, "not once for every attempt"


def _is_served(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", headers=BEARER).status_code == 200
    except httpx.TransportError:
        return False


def test_fault_of_the_page_is_logged_and_the_server_goes_on(server, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(server.page, "render", lambda accept: 1 / 0)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(_url(server), headers=BEARER)
    assert "a scrape of metrics failed" in caplog.text and TOKEN not in caplog.text
    assert httpx.get(_url(server), headers=BEARER).status_code == 200
