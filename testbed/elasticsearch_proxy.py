"""A proxy in front of Elasticsearch, with which tests simulate outages, delays, overload and access control.

`python -m testbed.elasticsearch_proxy URL` runs one in a process of its own: it prints its address, and each line of
its input sets a mode and a delay.
"""

import base64
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import httpx

OK, BUSY, AWAY = "ok", "busy", "away"

_FULL = b'{"error":{"type":"es_rejected_execution_exception","reason":"full"},"status":429}'
_WHO = b'{"error":{"type":"security_exception","reason":"unable to authenticate"},"status":401}'


class Proxy:
    """Forwards requests to `target`, unless `mode` says otherwise.

    With `key`, requests need that API key; they are forwarded with `login` instead. With `tls`, the proxy speaks only
    https.
    """

    def __init__(
        self, target: str, *, tls: SSLContext | None = None, key: str = "", login: tuple[str, str] = ("", "")
    ) -> None:
        self.target = target
        self.mode = OK
        self.delay = 0.0
        self.requests = 0
        self._key = key
        self._login = "Basic " + base64.b64encode(":".join(login).encode()).decode() if all(login) else ""
        self._client = httpx.Client(base_url=target, timeout=60)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests += 1
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if self.mode == AWAY:
            request.close_connection = True
            request.connection.close()
            return
        time.sleep(self.delay)
        if self._key and request.headers.get("Authorization") != f"ApiKey {self._key}":
            self._send(request, 401, _WHO, "application/json")
        elif self.mode == BUSY:
            self._send(request, 429, _FULL, "application/json")
        else:
            self._pass_on(request, body)

    def _pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        kept = ("Content-Type", "Accept", "Authorization")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        if self._key:
            headers.pop("Authorization")
            headers |= {"Authorization": self._login} if self._login else {}
        found = self._client.request(request.command, request.path, content=body, headers=headers)
        self._send(request, found.status_code, found.content, found.headers.get("Content-Type", "application/json"))

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, content: bytes, kind: str) -> None:
        request.send_response(status)
        request.send_header("X-Elastic-Product", "Elasticsearch")
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing when a client does not trust the certificate and hangs up."""


def _passed_on(proxy: Proxy):
    def passed_on(request: BaseHTTPRequestHandler) -> None:
        proxy.answer(request)

    return passed_on


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    answers = {f"do_{method}": _passed_on(proxy) for method in ("GET", "POST", "PUT", "DELETE", "HEAD")}
    quiet = {"protocol_version": "HTTP/1.1", "log_message": lambda *_: None}
    return type("Handler", (BaseHTTPRequestHandler,), answers | quiet)


def certificate(directory: Path, name: str) -> Path:
    """A self-signed certificate for 127.0.0.1; its key is in the file beside it."""
    path = directory / f"{name}.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    subprocess.run([*made, *files], check=True, capture_output=True)
    return path


def guarded(target: str, certificate: Path, key: str, login: tuple[str, str]) -> Proxy:
    """A proxy with TLS that demands the API key."""
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return Proxy(target, tls=tls, key=key, login=login)


if __name__ == "__main__":
    started = Proxy(sys.argv[1])
    print(started.url, flush=True)
    for line in sys.stdin:
        mode, delay = line.split()
        started.mode, started.delay = mode, float(delay)
