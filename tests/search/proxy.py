"""A way to Elasticsearch that a test can slow down, close, or fill up."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

OK, BUSY, AWAY = "ok", "busy", "away"


class Proxy:
    """Passes requests on to `target`, unless `mode` says otherwise."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.mode = OK
        self.delay = 0.0
        self.requests = 0
        self._client = httpx.Client(base_url=target, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        self.requests += 1
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if self.mode == AWAY:
            request.close_connection = True
            request.connection.close()
            return
        time.sleep(self.delay)
        if self.mode == BUSY:
            content = b'{"error":{"type":"es_rejected_execution_exception","reason":"full"},"status":429}'
            self._send(request, 429, content, "application/json")
            return
        kept = ("Content-Type", "Accept", "Authorization")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
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
        """No way any more."""
        self._server.shutdown()
        self._server.server_close()
        self._client.close()


def _passed_on(proxy: Proxy):
    def passed_on(request: BaseHTTPRequestHandler) -> None:
        proxy.answer(request)

    return passed_on


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    answers = {f"do_{method}": _passed_on(proxy) for method in ("GET", "POST", "PUT", "DELETE", "HEAD")}
    quiet = {"protocol_version": "HTTP/1.1", "log_message": lambda *_: None}
    return type("Handler", (BaseHTTPRequestHandler,), answers | quiet)
