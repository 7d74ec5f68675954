"""`make check` looks up known vulnerabilities of the locked versions where it can."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from launcher import audit
from testbed.stack import free_port

LOCKED = "idna==3.20 --hash=sha256:" + "0" * 64 + "\nsix==1.17.0 ; sys_platform == 'linux' --hash=sha256:" + "1" * 64
ADVISORY = {
    "id": "PYSEC-2026-1",
    "summary": "Everything is allowed",
    "affected": [{"package": {"name": "six", "ecosystem": "PyPI"}, "ranges": []}],
    "published": "2026-11-01T00:00:00Z",
}


class Source(ThreadingHTTPServer):
    """A source of advisories with settable content, status and delay."""

    daemon_threads = True

    def __init__(self) -> None:
        self.known: dict[str, list[dict[str, object]]] = {}
        self.asked: list[str] = []
        self.status, self.delays = 200, iter(())
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/query"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Source)
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
        server.asked.append(name)
        time.sleep(next(server.delays, 0))
        found = server.known.get(name)
        body = json.dumps({"vulns": found} if found else {}).encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No news."""


@pytest.fixture
def source(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = Source()
    yield source
    source.shutdown()
    source.server_close()


@pytest.fixture
def locked(tmp_path):
    file = tmp_path / "locked.txt"
    file.write_text(LOCKED)
    return str(file)


def test_versions_of_which_nothing_is_known_pass(source, locked):
    assert audit.main(locked, source.url) == 0
    assert {"idna", "six"} <= set(source.asked)


def test_a_vulnerable_version_fails_and_is_named(source, locked, capfd):
    source.known["six"] = [ADVISORY]
    assert audit.main(locked, source.url) == 1
    assert "PYSEC-2026-1" in capfd.readouterr().out


def test_a_requirement_without_a_hash_fails(source, tmp_path):
    (tmp_path / "loose.txt").write_text("six\n")
    assert audit.main(str(tmp_path / "loose.txt"), source.url)


def test_a_source_that_cannot_be_reached_is_a_sentence(locked, capsys):
    assert audit.main(locked, f"http://127.0.0.1:{free_port()}/") == 0
    assert capsys.readouterr().out.startswith("Skipped: no source of advisories can be reached (http://127.0.0.1:")


def test_a_source_that_only_has_errors_counts_as_none(source, locked, capsys):
    source.status = 503
    assert audit.main(locked, source.url) == 0
    assert "Skipped: " in capsys.readouterr().out
    assert source.asked == ["pip"]


@pytest.mark.parametrize(("limit", "delays"), [("REACH_SECONDS", [60]), ("AUDIT_SECONDS", [0, 60])])
def test_a_source_that_falls_silent_is_not_waited_for(source, locked, capsys, monkeypatch, limit, delays):
    monkeypatch.setattr(audit, limit, 1)
    source.delays = iter(delays)
    assert audit.main(locked, source.url) == 0
    assert "Skipped: " in capsys.readouterr().out
