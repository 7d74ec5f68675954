"""Behind the shipped nginx configuration, clients find the product unchanged."""

import configparser

import httpx
import pytest
from django.contrib.auth.models import User

from health import public_url
from keys.changes import create_key
from testbed.listener import Listener
from testbed.nginx import Nginx
from testbed.stack import ROOT, wait_until
from tests.edge.upstream import upstream
from tests.endpoint.catalogue import LARGEST_BODY, OF_A_TRIGGER, OF_NGINX, assert_error, assert_trigger_id
from tests.endpoint.test_trigger_ids import NAMES_ITSELF
from tests.endpoint.wire import Connection, exchange, head

TEXT = {"Content-Type": "text/plain"}

TELL = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=json.dumps([request.route, request.query_parameters.get_all("q")]))
"""

HOLDS = """
import os, time

def on_api_trigger(engine, request):
    began = request.raw_body + "/began"
    open(began, "w").close()
    while os.path.exists(began):
        time.sleep(0.02)
"""


@pytest.fixture
def client(nginx):
    with httpx.Client(base_url=nginx.url, timeout=60) as client:
        yield client


def test_the_largest_body_passes_through_nginx(client, publish):
    api = publish()
    assert api.call(client, content="hello", headers=TEXT).text == "hello"
    assert len(api.call(client, content=b"x" * LARGEST_BODY, headers=TEXT).content) == LARGEST_BODY
    chunked = (b"x" * 1_000 for _ in range(100))
    assert len(api.call(client, content=chunked, headers=TEXT).content) == 100_000


@pytest.mark.parametrize(("size", "id_version"), [(LARGEST_BODY + 1, OF_A_TRIGGER), (32 * 1024 * 1024, OF_NGINX)])
def test_a_body_that_is_too_large_gets_the_catalogues_answer(client, publish, size, id_version):
    assert_error(publish().call(client, content=b"x" * size, headers=TEXT), 1009, id_version=id_version)


def test_health_passes_through_nginx_and_the_public_url_leads_to_the_installation(client, nginx):
    for address in ("/healthz", "/readyz"):
        answer = client.get(address, headers={"Host": "attacker.example"})
        assert (answer.status_code, answer.json()) == (200, {"status": "up"})
    assert public_url.fault_of(nginx.url) == ""


def test_the_id_of_a_trigger_passes_through_nginx(client, publish):
    answer = publish(NAMES_ITSELF).call(client)
    assert answer.headers.get_list("X-Trigger-Id") == [answer.text]


@pytest.mark.parametrize(("method", "status"), [("TRACE", 405), ("POST", 400)])
def test_what_nginx_refuses_itself_has_an_id_below_custom_only(nginx, method, status):
    """A method that nginx never passes on, and a chunk without a length."""
    broken = ("Transfer-Encoding", "chunked")
    paths = ("/api//custom/any", "/api/customs")
    refused, other = (exchange(nginx.url, head(method, path, broken), b"no length\r\n") for path in paths)
    assert (refused.status_code, other.status_code) == (status, status)
    assert_trigger_id(refused.headers, OF_NGINX)
    assert "X-Trigger-Id" not in other.headers


@pytest.mark.parametrize("path", ["/console/login/", "/api/management/", "/api/customs"])
def test_nginx_adds_no_id_to_other_answers(client, path):
    assert "X-Trigger-Id" not in client.get(path).headers


def test_an_overlong_query_gets_the_catalogues_answer(client, publish):
    assert_error(publish().call(client, "GET", params={"q": "x" * 8_000}), 1011)


def test_the_path_goes_through_as_it_was_sent(client, publish):
    api = publish(TELL, route="behind/{name}")
    answer = client.get("/api//custom/behind/a%20%C3%A9/?q=%2B+b&q=", headers=api.headers)
    assert answer.json() == ["behind/a é", ["+ b", ""]]
    assert_error(client.get("/api/custom/behind/a%2Fb", headers=api.headers), 5)


def test_a_caller_who_hangs_up_is_noticed(nginx, stack, publish, kept):
    api, content = publish(HOLDS), str(kept).encode()
    fields = [*api.headers.items(), *TEXT.items(), ("Content-Length", str(len(content)))]
    with Connection(nginx.url) as connection:
        connection.send(head("POST", api.path, *fields), content)
        wait_until((kept / "began").exists, what="the script")
    wait_until(lambda: _hung_up(stack, api.path), what="the trigger's last line")


def _hung_up(stack, path: str) -> bool:
    lines = stack.log_text("endpoint.log").splitlines()
    return any("the caller hung up" in line for line in lines if f'route="{path}"' in line)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_get_the_products_answer(client, publish, method):
    assert client.request(method, publish().path).status_code == 405


def test_a_script_cannot_have_nginx_call_another_api(client, publish, kept):
    mark = kept / "called"
    other = publish(f"def run(engine): open({str(mark)!r}, 'a').write('x')", action_type="AutomationScriptNoEntryPoint")
    source = (
        "from automation.sdk import ApiTriggerOutput\n\n"
        "def on_api_trigger(engine, request):\n"
        "    output = ApiTriggerOutput()\n"
        f"    output.response_headers.set('X-Accel-Redirect', {other.path!r})\n"
        "    return output\n"
    )
    assert_error(publish(source, token=(other.token, other.secret)).call(client, "GET"), 1012)
    assert not mark.exists()


def test_nginx_obeys_no_header_of_an_answer(tmp_path):
    """Even if an older product, or another one, lets the headers through."""
    with upstream(X_Accel_Redirect="/api/custom/other", X_Accel_Limit_Rate="1", X_Sendfile="/etc/passwd") as server:
        nginx = Nginx(tmp_path, server.port)
        try:
            answer = httpx.get(f"{nginx.url}/api/custom/one", timeout=60)
            assert (answer.status_code, answer.text) == (200, "upstream")
            assert not {name for name in answer.headers if name.startswith(("x-accel", "x-sendfile"))}
            assert server.asked == ["/api/custom/one"]
        finally:
            nginx.stop()


def test_the_live_stream_is_not_held_back(nginx, publish):
    user = User.objects.create_superuser("listener")
    listener = Listener(nginx.url, create_key(user, "stream", 1)[1])
    try:
        publish.token(name="seen at once")
        assert "seen at once" in listener.wait_for(1)[0].data["message"]
    finally:
        listener.close()
        user.delete()


@pytest.mark.parametrize("name", ["udapi", "udapi-worker"])
def test_the_systemd_units_are_valid(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / f"{name}.service")
    service = unit["Service"]
    program, *arguments = service["ExecStart"].split()
    assert program == f"{service['WorkingDirectory']}/.venv/bin/python"
    assert arguments == ["-m", "launcher", *(["worker"] if name == "udapi-worker" else [])]
    assert int(service["TimeoutStopSec"]) > 90 + 10
