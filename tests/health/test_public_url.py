"""The probe of the public URL says whether it reaches this installation, and otherwise what is wrong."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme
from django.core.signing import TimestampSigner

from health import probe_result, public_url, tasks
from health import proof as proof_module
from health.proof import PROOF_HEADER, QUESTION_HEADER, new_question, proof
from health.states import HealthStatus
from testbed.stack import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + b'{"status": "up"}\n'


def _encrypted(plain: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return tls.wrap_socket(plain, server_side=True) if tls else plain


@contextmanager
def server(answer: bytes, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Something else that listens: its host and port, and the requests that it got. An empty answer never comes."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            try:
                while True:
                    plain, _ = listener.accept()
                    with (
                        plain,
                        suppress(ssl.SSLError),
                        tls.wrap_socket(plain, server_side=True) if tls else plain as client,
                    ):
                        asked.append(client.recv(65_536))
                        client.sendall(answer)
                        if not answer:
                            ended.wait()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)


def test_the_installation_recognises_itself_and_no_other(stack, monkeypatch):
    assert public_url.fault_of(stack.url) == ""
    monkeypatch.setattr(proof_module, "installation_id", lambda: "a copy with the same keys")
    host = stack.url.removeprefix("http://")
    assert public_url.fault_of(stack.url) == f"Another server answers under {host}, or another installation."


def test_nobody_else_is_told_anything(stack, settings):
    for question in ("", "x", "x:y:z", "q" * 4_000, TimestampSigner(salt="other").sign("x")):
        assert PROOF_HEADER not in stack.client.get("/healthz", headers={QUESTION_HEADER: question}).headers
    question = new_question()
    answer = stack.client.get("/healthz", headers={QUESTION_HEADER: question})
    assert answer.headers[PROOF_HEADER] == proof(question) != proof(new_question())
    assert PROOF_HEADER not in stack.client.get("/readyz", headers={QUESTION_HEADER: question}).headers
    settings.SECRET_KEY = "k" * 50
    assert proof(question) == "", "the key of the question is another one"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (OK, "Another server answers under {host}, or another installation."),
        (
            b"HTTP/1.1 200 OK\r\nX-Udapi-Proof: guess\r\nContent-Length: 0\r\n\r\n",
            "Another server answers under {host}",
        ),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "/healthz is not found: another server answers, or a proxy"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "The answer is 502: a proxy does not reach this installation."),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "The answer is 403: a proxy refuses /healthz"),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: https://name:password@elsewhere.example/secret\r\n\r\n",
            "/healthz is redirected to https://elsewhere.example:",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[broken\r\n\r\n", "/healthz is redirected to another path:"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "The server closes the connection, or does not speak HTTP."),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "The server closes the connection, or does not speak HTTP."),
    ],
)
def test_another_answer_is_named(answer, fault):
    with server(answer) as (host, asked):
        assert public_url.fault_of(f"http://{host}").startswith(fault.format(host=host))
    assert len(asked) == 1, "a redirect is not followed"
    assert asked[0].startswith(b"GET /healthz HTTP/1.1\r\n")
    assert b"\r\nHost: %s\r\n" % host.encode() in asked[0]


def test_who_does_not_answer_is_named(monkeypatch):
    port = free_port()
    refused = f"The connection is refused: nothing listens on port {port} of 127.0.0.1."
    assert public_url.fault_of(f"http://127.0.0.1:{port}") == refused
    assert public_url.fault_of("http://no-such-host.invalid") == "The name no-such-host.invalid cannot be resolved."
    monkeypatch.setattr(public_url, "PROBE_SECONDS", 0.5)
    with server(b"") as (host, _):
        assert public_url.fault_of(f"http://{host}") == "There is no answer within 0.5 s."


def test_a_server_that_sends_a_byte_now_and_then_meets_the_limit(monkeypatch):
    monkeypatch.setattr(public_url, "PROBE_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def drip() -> None:
            client, _ = listener.accept()
            with client:
                while not ended.wait(0.05):
                    try:
                        client.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        fault = public_url.fault_of(f"http://127.0.0.1:{listener.getsockname()[1]}")
        ended.set()
        thread.join(30)
    assert fault == "There is no answer within 1 s."


def test_tls_is_verified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with server(OK, context) as (host, asked):
        assert public_url.fault_of(f"https://{host}").startswith("The certificate is not accepted: ")
    assert not asked
    with server(OK) as (host, _):
        assert public_url.fault_of(f"https://{host}").startswith("TLS fails: ")


def test_the_result_is_kept_for_everybody(stack, settings):
    settings.UDAPI_PUBLIC_URL = stack.url
    with stack.redis_client() as redis:
        redis.delete(f"{stack.prefix}public-url")
        assert probe_result.public_url_state().status is HealthStatus.UNKNOWN
        tasks.probe_public_url()
        found = probe_result.public_url_state()
        assert (found.status, found.message.endswith(": reaches this installation.")) == (HealthStatus.UP, True)
        tasks.probe_public_url()
        assert probe_result.public_url_state().since == found.since
        assert 0 < redis.ttl(f"{stack.prefix}public-url") <= 600
        settings.UDAPI_PUBLIC_URL = f"http://127.0.0.1:{free_port()}"
        tasks.probe_public_url()
        assert probe_result.public_url_state().status is HealthStatus.UNKNOWN
        tasks.probe_public_url()
        lost = probe_result.public_url_state()
        assert (lost.status, "is refused" in lost.message) == (HealthStatus.IMPAIRED, True)
        redis.delete(f"{stack.prefix}public-url")
