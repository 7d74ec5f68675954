"""A trigger leaves two log lines at any level, without any secret, and clients cannot forge lines."""

import json
import re
import uuid

import pytest

from definitions.models import ActionType
from fleet.answer import Answer
from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error
from tests.endpoint.conftest import ENDPOINT_NODE
from tests.endpoint.wire import exchange, head
from tokens.secrets import generate

SAYS = """
import logging, sys
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print("printed " + request.raw_body)
    print("to standard error", file=sys.stderr)
    logging.getLogger("anything").warning("logged")
    engine.log("told the engine")
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def lines_of(stack, trigger_id: str, name: str = "endpoint.log") -> list[str]:
    return [line for line in stack.log_text(name).splitlines() if trigger_id in line]


def last_line(stack, part: str, name: str = "endpoint.log") -> str:
    """The newest line of the log that contains `part`."""
    lines: list[str] = stack.log_text(name).splitlines()
    return [line for line in lines if part in line][-1]


def named(api) -> str:
    """The script of an API as the lines of `manager.log` name it."""
    script = api.definition.script
    return f'script={script.pk} version={script.current_version} name="{script.name}"'


def test_a_trigger_leaves_two_lines(stack, publish, worker_node):
    api = publish(SAYS)
    trigger_id = api.call(stack.client, "PUT").text
    first, last = lines_of(stack, trigger_id)
    what = f'trigger={trigger_id} method="PUT" route="{api.path}"'
    assert re.fullmatch(rf"{TIME} INFO udapi\.trigger: started {re.escape(what)}", first)
    used = api.definition.script
    script = f'script={used.pk} version={used.current_version} name="{used.name}"'
    ending = f"{what} {script} token={api.token.pk} node={worker_node} code=200 "
    assert re.fullmatch(rf"{TIME} INFO udapi\.trigger: ended {re.escape(ending)}ms=\d+\.\d", last)


@pytest.mark.parametrize(
    ("call", "ending"),
    [
        ({"path": "/api/custom/nobody/was/here"}, "node=- reason=DefinitionNotFound errorCode=5"),
        ({"content": b"x", "headers": {"Content-Type": "image/png"}}, "reason=InvalidContentType errorCode=1003"),
    ],
)
def test_a_refused_trigger_leaves_two_lines(stack, publish, call, ending):
    api = publish()
    before = len(stack.log_text("endpoint.log"))
    api.call(stack.client, **call)
    first, last = stack.log_text("endpoint.log")[before:].splitlines()
    found = re.search(r"started trigger=(\S+) ", first)
    assert found and str(uuid.UUID(found[1])) == found[1]
    assert f"ended trigger={found[1]} " in last and ending in last


@pytest.mark.parametrize(
    ("call", "ending"),
    [
        ({"path": "/api/custom/"}, "token=- node=- reason=EmptyRoute errorCode=1"),
        ({"method": "OPTIONS"}, "token=- node=- reason=InvalidRequestMethod errorCode=3"),
        ({"headers": {"Authorization": "Basic x"}}, "token=- node=- reason=AuthenticationHeaderInvalid errorCode=1008"),
        ({"headers": {"Authorization": "Bearer x"}}, "token=- node=- reason=InvalidSecret errorCode=1010"),
    ],
)
def test_a_stranger_leaves_one_line_in_a_file_for_strangers(stack, publish, call, ending):
    api = publish()
    before, triggers = len(stack.log_text("refused.log")), stack.log_text("endpoint.log")
    api.call(stack.client, **call)
    (line,) = stack.log_text("refused.log")[before:].splitlines()
    found = re.match(rf"{TIME} INFO udapi\.refused: refused trigger=(\S+) method=", line)
    assert found and str(uuid.UUID(found[1])) == found[1]
    assert ending in line
    assert stack.log_text("endpoint.log") == triggers


@pytest.mark.parametrize(
    ("reason", "log", "make_secret"),
    [
        ("TokenNotFound", "refused.log", lambda publish: generate()),
        ("TokenDisabled", "refused.log", lambda publish: publish.token(is_disabled=True)[1]),
        ("TokenNotAllowed", "endpoint.log", lambda publish: publish.token()[1]),
    ],
)
def test_the_log_tells_apart_what_the_answer_does_not(stack, publish, reason, log, make_secret):
    api = publish()
    assert_error(api.call(stack.client, headers={"Authorization": f"Bearer {make_secret(publish)}"}), 1010)
    assert f"reason={reason} " in last_line(stack, api.path, log)


def test_a_long_path_is_cut_and_the_line_says_so(stack, publish):
    api = publish()
    for path in ("/api/custom/" + piece * 1_000 for piece in ("xxxxxxx", "%C3%A9", '"')):
        for headers, log in ((api.headers, "endpoint.log"), ({}, "refused.log")):
            before = len(stack.log_text(log))
            exchange(stack.url, head("GET", path, *headers.items()))
            lines = stack.log_text(log)[before:].splitlines()
            assert len(lines) == (2 if headers else 1)
            assert all(f" route={json.dumps(path[:300])}+{len(path) - 300}" in line for line in lines)
            assert all(len(line) < 900 for line in lines)


def test_requests_of_strangers_displace_no_lines_of_triggers(stack, publish, tmp_path):
    api = publish()
    small = {"UDAPI_LOG_MAX_BYTES": "20000", "UDAPI_LOG_KEEP": "2", "UDAPI_LOG_DIR": str(tmp_path)}
    with stack.another_web(UDAPI_WEB_WORKERS="1", **small) as web:
        assert api.call(web.client).status_code == 200
        for number in range(150):
            web.client.get(f"/api/custom/{number}/{'x' * 7_000}", headers={"Authorization": f"Bearer {generate()}"})
            web.client.get("/", headers={"Host": "x" * 7_000})
        assert api.call(web.client).status_code == 200
    lines = [line for line in (tmp_path / "endpoint.log").read_text().splitlines() if "udapi.trigger" in line]
    assert [line.split(": ")[1].split()[0] for line in lines] == ["started", "ended"] * 2
    assert sorted(file.name for file in tmp_path.glob("[!.]*.log*")) == [
        "endpoint.log",
        "refused.log",
        "refused.log.1",
        "refused.log.2",
    ]


def test_a_failed_run_tells_the_node_and_the_log_of_the_node_tells_why(stack, publish, worker_node):
    api = publish("def on_api_trigger(engine, request):\n    raise ValueError('why it failed')")
    assert_error(api.call(stack.client), 12)
    ended = last_line(stack, api.path)
    assert f"node={worker_node} reason=AutomationActionError errorCode=12" in ended
    found = re.search(r"trigger=(\S+)", ended)
    assert found
    wait_until(lambda: "ValueError: why it failed" in stack.log_text("manager.log"))
    manager = stack.log_text("manager.log")
    assert re.search(f"trigger={found[1]} AutomationActionError {named(api)}: ", manager)


def test_an_unforeseen_exception_is_logged_with_its_traceback(stack, publish):
    from django.db.models import JSONField, Value

    from automation.versions import ScriptVersion

    api = publish("def run(engine): pass", action_type=ActionType.NO_ENTRY_POINT)
    ScriptVersion._base_manager.update(parameters=Value(None, JSONField()))
    assert_error(api.call(stack.client), 8)
    log = stack.log_text("endpoint.log")
    assert "\n    | Traceback (most recent call last):" in log and "\n    | TypeError: " in log


@pytest.mark.parametrize("level", ["CRITICAL", "WARNING", "DEBUG"])
def test_a_trigger_leaves_its_lines_at_any_log_level(stack, publish, tmp_path, level):
    api = publish(SAYS)
    with stack.another_web(UDAPI_LOG_LEVEL=level, UDAPI_LOG_DIR=str(tmp_path), UDAPI_WEB_WORKERS="1") as web:
        trigger_id = api.call(web.client).text
        lines = (tmp_path / "endpoint.log").read_text().splitlines()
    assert [line.split(": ")[1].split()[0] for line in lines if trigger_id in line] == ["started", "ended"]


def test_the_worker_tells_of_each_run_at_any_level(lonely, publish, tmp_path):
    api = publish(SAYS)
    with lonely.another_worker(UDAPI_LOG_LEVEL="CRITICAL", UDAPI_LOG_DIR=str(tmp_path)):
        trigger_id = api.call(lonely.client).text
        file = tmp_path / "manager.log"
        wait_until(lambda: f"ended trigger={trigger_id} node=" in file.read_text())
        lines = [line.split(": ", 1)[1] for line in file.read_text().splitlines()]
    started, ended = (line for line in lines if f"ed trigger={trigger_id} " in line)
    script, node = named(api), r"node=\d+"
    assert re.fullmatch(f"started trigger={trigger_id} kind=trigger {node} {script}", started)
    assert re.fullmatch(rf"ended trigger={trigger_id} {node} code=200 ms=\d+\.\d {script}", ended)


def test_what_a_script_says_is_in_the_nodes_log_with_the_triggers_id(stack, publish):
    api = publish(SAYS)
    content = "two\nlines \x1b[31m\u2028"
    trigger_id = api.call(stack.client, content=content, headers={"Content-Type": "text/plain"}).text
    wait_until(lambda: f"ended trigger={trigger_id}" in stack.log_text("manager.log"))
    lines = [line for line in lines_of(stack, trigger_id, "manager.log") if "INFO udapi.script: " in line]
    assert all(f": trigger={trigger_id} {named(api)}: " in line for line in lines)
    said = [line.split(": ", 2)[2] for line in lines]
    assert {"printed two", "told the engine", "to standard error"} <= set(said)
    assert "lines \\x1b[31m\\u2028" in said and any("logged" in text for text in said)
    assert "\x1b" not in stack.log_text("manager.log")


FORGED = "2026-01-01T00:00:00.000Z INFO udapi.trigger: ended trigger=forged"


@pytest.mark.parametrize(
    "target",
    [
        "/api/custom/a%0A" + FORGED.replace(" ", "%20"),
        '/api/custom/a"%20code=200',
        "/api/custom/a%1B[31m",
        "/api/custom/%E2%80%A8",
        '/api/custom/"\\n',
    ],
)
def test_what_a_client_sends_is_escaped(stack, publish, target):
    before = len(stack.log_text("endpoint.log"))
    answer = exchange(stack.url, head("GET", target, *publish().headers.items(), ("Content-Type", "a\tb\x85\xa0")))
    assert_error(answer, 5)
    written = stack.log_text("endpoint.log")[before:]
    assert len(written.splitlines()) == written.count("\n") == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", written)
    form = re.compile(rf"{TIME} INFO udapi\.trigger: (started|ended) trigger=[0-9a-f-]{{36}} method=\"GET\"")
    assert all(form.match(line) for line in written.splitlines())


def test_the_text_of_a_header_is_escaped_in_the_reason(stack, publish):
    api = publish()
    evil = 'x" code=200 \t\x85\xa0\xff'
    request = head("POST", api.path, *api.headers.items(), ("Content-Type", evil), ("Content-Length", "1"))
    before = len(stack.log_text("endpoint.log"))
    assert_error(exchange(stack.url, request, b"x"), 1003)
    written = stack.log_text("endpoint.log")[before:]
    assert written.isascii() and len(written.splitlines()) == 2
    assert r'message="x\" code=200 \t\u0085' in written


def test_what_a_node_reports_is_escaped(lonely, fake_node, publish):
    with fake_node.answers(Answer(1, reason="A\nB", message="two\nlines \x1b")):
        api = publish()
        assert_error(api.call(lonely.client), 1005)
    ended = last_line(lonely, api.path)
    assert r'message="two\nlines \u001b"' in ended
    assert f"node={ENDPOINT_NODE}" not in ended


def test_no_secret_is_ever_written(stack, publish):
    """Secrets may be valid, unknown, disabled or mistyped, and in every place where a client may put one by mistake."""
    api = publish(SAYS)
    fails = publish("def run(engine): 1 / 0", action_type=ActionType.NO_ENTRY_POINT)
    own = "own-secret-" + "S3cr3t" * 6
    disabled, owned = publish.token(is_disabled=True)[1], publish.token(own + "2")[1]
    secrets = [api.secret, fails.secret, generate(), generate() + "x", disabled, own, owned]
    for secret in secrets:
        bearer = ("Authorization", f"Bearer {secret}")
        for path in (api.path, fails.path, "/api/custom", "/api/custom/nobody", "/", "/console/"):
            exchange(stack.url, head("GET", f"{path}?token={secret}", bearer, ("Cookie", f"a={secret}")))
        exchange(stack.url, head("GET", api.path, ("Authorization", f"Basic {secret}")))
        exchange(stack.url, head("GET", api.path, bearer, bearer))
        exchange(stack.url, head("GET", api.path, ("Host", "evil.example"), bearer))
        exchange(stack.url, head("GET", f"{api.path}?token={secret}", ("A b", secret), bearer))
        exchange(stack.url, head("GET", api.path, bearer, ("Content-Length", secret)))
        exchange(stack.url, head("GET", api.path, ("Authorization:", f"Bearer {secret}\x00")))
        exchange(stack.url, b"GET /api/custom?token=" + secret.encode() + b" HTTP/9.9\r\nHost: localhost\r\n\r\n")
        exchange(stack.url, head("GET", f"/api/custom?token={secret}\xe9"))
        exchange(stack.url, b"GET / HTTP/1.1\r\nAuthorization Bearer " + secret.encode() + b"\r\n\r\n")
        exchange(stack.url, b"GET " + b"/" + secret.encode() * 200 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    files = [file for file in stack.data.root.rglob("*") if file.is_file()]
    assert {"endpoint.log", "manager.log", "processes.log"} <= {file.name for file in files}
    written = {file: file.read_bytes() for file in files}
    redis = stack.redis_client()
    keys = b" ".join(key for key in redis.scan_iter("*"))
    for secret in secrets:
        assert not [file for file, content in written.items() if secret.encode() in content]
        assert secret.encode() not in keys
