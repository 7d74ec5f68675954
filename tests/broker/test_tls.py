"""`rediss://`: every client verifies the server before it sends a password, and no setting turns that off."""

import datetime
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import redis
import trustme
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from broker import redis_url
from broker.client import client
from testbed.stack import ROOT, Stack, wait_until
from tests.broker.listener import TlsListener
from udapi_site.checks import check_redis

PASSWORD = "the-password-of-redis"
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def authority():
    """The authority that the product is told to trust."""
    return trustme.CA()


@pytest.fixture(scope="module")
def certificates(authority):
    """A valid certificate, and invalid ones, with which a server on this machine must not be trusted."""
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    return {
        "right": authority.issue_cert(HOST),
        "another authority": trustme.CA().issue_cert(HOST),
        "another name": authority.issue_cert("redis.example.com"),
        "expired": authority.issue_cert(HOST, not_before=past - datetime.timedelta(days=1), not_after=past),
    }


@pytest.fixture
def listen(certificates):
    """Starts a server with a certificate; `target` is the socket of a Redis behind it."""
    started = []

    def start(name: str, target: str = "", **options) -> TlsListener:
        started.append(TlsListener(certificates[name], target, **options))
        return started[-1]

    yield start
    for listener in started:
        listener.close()


@pytest.fixture
def trusting(authority, tmp_path):
    """Makes the settings of a process that connects to a listener and trusts the authority."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))

    def settings(listener: TlsListener, password: str = PASSWORD, database: int = 0) -> dict[str, str]:
        url = f"rediss://:{password}@{HOST}:{listener.port}/{database}"
        return {"REDIS_URL": url, "REDIS_CA_FILE": str(file)}

    return settings


def _run(data_dir, module: str, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    secrets = {"UDAPI_SECRET_KEY": "k" * 50, "UDAPI_SECRET_PEPPERS": f"1:{'p' * 32}", "UDAPI_DATA_DIR": str(data_dir)}
    ours = {name: os.environ[name] for name in ("PATH", "DJANGO_SETTINGS_MODULE", "UDAPI_INSTALLATION")}
    database = {"DATABASE_URL": f"sqlite:///{django_settings.DATA_DIR.database_file}"}
    environment = ours | database | secrets | settings
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def _outcomes(data_dir, **settings: str) -> dict[str, str]:
    """The result of each of the product's connections."""
    ended = _run(data_dir, "tests.broker.clients", **settings)
    assert ended.returncode == 0, ended.stderr
    outcomes: dict[str, str] = json.loads(ended.stdout)
    return outcomes


def _password(stack: Stack) -> str:
    return stack.data.redis_password_file.read_text()


def test_the_right_certificate_connects_every_client(stack, listen, trusting, tmp_path):
    listener = listen("right", str(stack.data.redis_socket))
    outcomes = _outcomes(tmp_path, **trusting(listener, _password(stack)))
    assert set(outcomes.values()) == {"connected"}, outcomes


def test_a_trigger_is_answered_over_tls_and_celerys_tools_reach_both_programs(
    stack, publish, listen, trusting, tmp_path
):
    """In a database of its own, so that no other node can answer."""
    listener = listen("right", str(stack.data.redis_socket))
    settings = trusting(listener, _password(stack), database=7) | {"UDAPI_LOG_DIR": str(tmp_path)}
    api = publish()
    with _ended(stack.start_worker(**settings)), stack.another_web(**settings) as web:
        wait_until(lambda: api.call(web.client, json={"over": "TLS"}).status_code == 200, what="the node")
        made = listener.handshakes
        answers = [api.call(web.client, json=number).json() for number in range(30)]
        made = listener.handshakes - made
        with _ended(stack.start_background(**settings)):
            wait_until(lambda: (tmp_path / "manager.log").read_text().count(" ready.") == 2, what="both programs")
            ping = ("celery", "-A", "udapi_site", "inspect", "ping")
            wait_until(lambda: _run(tmp_path, *ping, **settings).stdout.count("pong") == 2, what="an answer of both")
    assert answers == list(range(30))
    assert made < len(answers), "connections are not used again"


@contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A process that is ended with the block."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _distrust(outcomes: dict[str, str]) -> bool:
    return all("Redis is not trusted, see REDIS_CA_FILE" in outcome for outcome in outcomes.values())


def test_no_client_sends_the_password_to_a_server_of_another_authority(listen, trusting, tmp_path):
    listener = listen("another authority")
    outcomes = _outcomes(tmp_path, **trusting(listener))
    assert _distrust(outcomes), outcomes
    wait_until(lambda: listener.refusals >= len(outcomes), what="every handshake's end")
    assert listener.heard == b""
    assert PASSWORD not in str(outcomes)


def test_without_a_configured_authority_those_of_the_system_are_trusted(listen, trusting, tmp_path):
    listener = listen("right")
    settings = trusting(listener)
    _outcomes(tmp_path, SSL_CERT_FILE=settings.pop("REDIS_CA_FILE"), **settings)
    assert PASSWORD.encode() in listener.heard


def test_with_a_configured_authority_those_of_the_system_are_not_trusted(listen, authority, trusting, tmp_path):
    listener = listen("right")
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    settings = trusting(listener)
    system, settings["REDIS_CA_FILE"] = settings["REDIS_CA_FILE"], str(other)
    outcomes = _outcomes(tmp_path, SSL_CERT_FILE=system, **settings)
    assert _distrust(outcomes), outcomes
    assert listener.heard == b""


@pytest.fixture
def ping(settings, authority):
    """Pings the Redis at an address and trusts the authority."""

    def ping(url: str, ca: str | None = None) -> bool:
        settings.REDIS_URL = redis_url.checked(url)
        settings.REDIS_CA = authority.cert_pem.bytes().decode() if ca is None else ca
        return client.__wrapped__().ping()

    return ping


@pytest.mark.parametrize("name", ["another authority", "another name", "expired"])
def test_a_wrong_certificate_is_refused_before_the_password_is_sent(listen, ping, name):
    listener = listen(name)
    with pytest.raises(redis.ConnectionError, match="Redis is not trusted"):
        ping(f"rediss://:{PASSWORD}@{HOST}:{listener.port}")
    wait_until(lambda: listener.refusals, what="the handshake's end")
    assert listener.heard == b""


def test_the_name_in_the_address_has_to_be_that_of_the_certificate(listen, ping):
    listener = listen("right")
    with pytest.raises(redis.ConnectionError, match=r"Redis is not trusted.*localhost"):
        ping(f"rediss://:{PASSWORD}@localhost:{listener.port}")
    assert listener.heard == b""


def test_an_authority_that_the_system_does_not_know_has_to_be_named(listen, ping):
    listener = listen("right")
    with pytest.raises(redis.ConnectionError, match="Redis is not trusted"):
        ping(f"rediss://:{PASSWORD}@{HOST}:{listener.port}", ca="")
    assert listener.heard == b""


def test_a_server_that_asks_for_a_certificate_gets_that_of_the_address(stack, listen, authority, ping, tmp_path):
    listener = listen("right", str(stack.data.redis_socket), clients_of=authority)
    address = f"rediss://:{_password(stack)}@{HOST}:{listener.port}/0"
    with pytest.raises(redis.ConnectionError):
        ping(address)
    file = tmp_path / "client.pem"
    authority.issue_cert("client.example.com").private_key_and_cert_chain_pem.write_to_path(str(file))
    assert ping(f"{address}?ssl_certfile={quote(str(file))}&ssl_keyfile={quote(str(file))}")


def test_web_server_celery_and_launcher_send_no_password_to_an_untrusted_server(
    stack, publish, listen, trusting, tmp_path
):
    listener = listen("another authority")
    settings = trusting(listener)
    api = publish()
    logs = {name: tmp_path / name / "manager.log" for name in ("worker", "background", "web")}
    worker, background, site = (settings | {"UDAPI_LOG_DIR": str(log.parent)} for log in logs.values())
    with (
        _ended(stack.start_worker(**worker)),
        _ended(stack.start_background(**background)),
        stack.another_web(**site) as web,
    ):
        answer = api.call(web.client)
        for program in ("worker", "background"):
            wait_until(lambda log=logs[program]: log.exists() and "next attempt in" in log.read_text(), what=program)
    launched = _run(tmp_path, "launcher", "worker", **settings)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["errorCode"] == 1006
    assert launched.returncode == 1
    assert "Redis is not trusted, see REDIS_CA_FILE" in launched.stdout
    assert listener.refusals
    assert listener.heard == b""
    written = "".join(file.read_text() for file in tmp_path.rglob("*.log")) + stack.log.read_text() + launched.stdout
    assert PASSWORD not in written


@pytest.mark.parametrize(
    "option",
    [
        "ssl_cert_reqs=none",
        "ssl_cert_reqs=CERT_NONE",
        "ssl_check_hostname=false",
        "ssl_ca_certs=/ca",
        "ssl_ciphers=NULL",
    ],
)
def test_an_option_that_could_weaken_verification_stops_the_start(option):
    with pytest.raises(ImproperlyConfigured, match="takes no option but db") as error:
        redis_url.checked(f"rediss://:{PASSWORD}@redis.example.com/0?{option}")
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://redis.example.com",
        "redis+socket:///redis.sock",
        "sentinel://redis.example.com",
        "rediss:redis.example.com",
        "//redis.example.com",
        "redis.example.com:6379",
        "redis://redis.example.com/one",
        "redis://redis.example.com/-1",
        "redis://redis.example.com:0",
        "redis://redis.example.com:70000",
        f"redis://:{PASSWORD}/{PASSWORD}@redis.example.com/0",
        "unix://redis/redis.sock",
        "unix://",
    ],
)
def test_invalid_address_of_redis_stops_the_start(url):
    with pytest.raises(ImproperlyConfigured, match="must be a redis://, rediss:// or unix:// address") as error:
        redis_url.checked(url)
    assert PASSWORD not in "".join(traceback.format_exception(error.value)).replace(url, "")


def test_a_certificate_of_the_client_that_cannot_be_read_stops_the_start(tmp_path):
    (tmp_path / "rubbish").write_text("rubbish")
    for file in ("rubbish", "nothing"):
        with pytest.raises(ImproperlyConfigured, match="needs a certificate and its key"):
            redis_url.checked(f"rediss://redis.example.com?ssl_certfile={tmp_path / file}")


@pytest.mark.parametrize(
    ("url", "reads"),
    [
        ("", ""),
        ("redis://redis", "redis://redis:6379/0"),
        ("redis://redis?db=3", "redis://redis:6379/3"),
        ("rediss://user:p%40ss;word@redis:1/2", "rediss://user:p%40ss%3Bword@redis:1/2"),
        ("redis://[::1]:7/", "redis://[::1]:7/0"),
        ("redis:///1", "redis://localhost:6379/1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=0"),
        ("unix://:secret@/run/redis.sock?db=4", "unix://:secret@/run/redis.sock?db=4"),
    ],
)
def test_redis_client_and_celery_connect_to_the_same_server(url, reads):
    """Each parses the address in its own way: kombu does not know `?db=`, and takes a semicolon for its end."""
    assert redis_url.checked(url) == reads


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://:secret@redis.example.com:6379/0", ["udapi.W006"]),
        ("rediss://:secret@redis.example.com:6379/0", []),
        ("redis://redis.example.com:6379/0", []),
        ("redis://:secret@127.0.0.1:6379/0", []),
        ("unix://:secret@/run/redis.sock?db=0", []),
    ],
)
def test_check_warns_of_a_password_sent_in_the_clear(settings, url, found):
    settings.REDIS_URL = url
    assert [each.id for each in check_redis(None)] == found
