"""Behind the shipped nginx configuration, clients find the product unchanged."""

import configparser

import httpx
import pytest
from django.contrib.auth.models import User

from keys.changes import create_key
from testbed.listener import Listener
from testbed.nginx import Nginx
from testbed.stack import ROOT, wait_until
from tests.edge.upstream import upstream
from tests.endpoint.catalogue import LARGEST_BODY, assert_error
from tests.endpoint.wire import Connection, head

TEXT = {"Content-Type": "text/plain"}

TELL = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=json.dumps([request.route, request.query_parameters.get_all("q")]))
"""

HOLDS = """
import time

def on_api_trigger(engine, request):
    open(request.raw_body + "/began", "w").close()
    time.sleep(4)
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


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 32 * 1024 * 1024])
def test_a_body_that_is_too_large_gets_the_catalogues_answer(client, publish, size):
    assert_error(publish().call(client, content=b"x" * size, headers=TEXT), 1009)


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
        wait_until((kept / "began").exists, 10, "the script")
    wait_until(lambda: _hung_up(stack, api.path), 4, "the trigger's last line")


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
