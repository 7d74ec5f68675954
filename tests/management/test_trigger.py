"""The trigger message over the management API and from the command line."""

import json
import os
import pty
import subprocess

import pytest
from django.contrib.auth.models import User
from django.core.management import execute_from_command_line

from access.policy import FLAGS
from foundation.limits import LARGEST_MESSAGE, LARGEST_TRIGGER_BODY
from testbed.stack import PYTHON, ROOT
from tests.management.conftest import client_of, only, refused, user_with

URL = "/api/management/trigger/"
NEEDED = ("definitions.ui_available", "tokens.ui_available", "automation.execute")
UNKNOWN = "well-formed-but-unknown-" + "x" * 32


@pytest.fixture
def tester(stack):
    """A client of a user who may send trigger messages, with a running stack."""
    yield client_of(user_with(*NEEDED))
    User.objects.all().delete()


def sent(api, **fields: object) -> dict[str, object]:
    """The message that triggers `api`, with other `fields` where the test needs them."""
    return {"requestMethod": "Post", "route": api.definition.route, "secret": api.secret} | fields


def test_a_message_is_answered_with_result_and_statistics(tester, publish):
    answer = tester.post(URL, sent(publish(), rawBody="grün"))
    assert answer.status_code == 200
    content = answer.json()
    assert set(content) == {"traceData", "actionResult", "statistics", "log"}
    assert content["traceData"] == {"errorData": []}
    assert content["actionResult"] == {
        "responseCode": 200,
        "responseBody": "grün",
        "responseBodyBytes": None,
        "responseHeaders": {},
    }
    assert set(content["statistics"]) == {
        "queueMilliseconds",
        "runMilliseconds",
        "totalMilliseconds",
        "requestBytes",
        "responseBytes",
        "node",
        "triggerId",
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"secret": UNKNOWN}, "TokenNotFound"),
        ({"secret": None}, "InvalidSecret"),
        ({"route": ""}, "EmptyRoute"),
        ({"requestMethod": "Trace"}, "InvalidRequestMethod"),
        ({"rawBody": "x" * (LARGEST_TRIGGER_BODY + 1)}, "BodyTooLarge"),
        ({"rawBody": "\0" * (LARGEST_TRIGGER_BODY + 1)}, "BodyTooLarge"),
    ],
)
def test_an_error_of_the_trigger_is_200_with_its_reason(tester, publish, fields, reason):
    answer = tester.post(URL, sent(publish(), **fields))
    assert answer.status_code == 200
    (error,) = answer.json()["traceData"]["errorData"]
    assert (error["reason"], answer.json()["actionResult"]) == (reason, None)
    assert UNKNOWN not in answer.content.decode()


def test_an_empty_object_is_a_message(tester):
    (error,) = tester.post(URL, {}).json()["traceData"]["errorData"]
    assert error["reason"] == "InvalidRequestMethod"


def test_a_script_that_raises_is_reported_with_its_traceback(tester, publish):
    api = publish("def on_api_trigger(engine, request):\n    raise ValueError('the cause')")
    (error,) = tester.post(URL, sent(api)).json()["traceData"]["errorData"]
    assert "ValueError: the cause" in error["message"]
    assert api.secret not in error["message"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"requestMethod": 1}, "requestMethod"),
        ({"route": ["a"]}, "route"),
        ({"secret": 1.5}, "secret"),
        ({"secret": {"secret": 1}}, "secret"),
        ({"rawBody": {}}, "rawBody"),
        ({"rawBody": "\ud800"}, "rawBody"),
        ({"route": "\udfff"}, "route"),
        ({"queryParameters": []}, "queryParameters"),
        ({"queryParameters": {"a": "b"}}, "queryParameters"),
        ({"queryParameters": {"a": [1]}}, "queryParameters"),
        ({"queryParameters": {"\ud800": []}}, "queryParameters"),
        ({"queryparameters": {}}, "queryparameters"),
        ({"Secret": "x"}, "Secret"),
    ],
)
def test_a_message_with_unknown_or_mistyped_fields_is_refused(db, fields, field):
    client = client_of(user_with(*NEEDED))
    answer = client.post(URL, json.dumps(fields), content_type="application/json")
    assert only(answer, 400) == {"reason": "InvalidField", "field": field}


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"null"])
def test_a_message_that_is_not_a_json_object_is_refused(db, content):
    answer = client_of(user_with(*NEEDED)).post(URL, content, content_type="application/json")
    assert only(answer, 400)["reason"] == "InvalidJson"


def test_a_message_of_another_content_type_is_refused(db):
    answer = client_of(user_with(*NEEDED)).post(URL, b"a=b", content_type="application/x-www-form-urlencoded")
    assert only(answer, 415) == {"reason": "UnsupportedMediaType"}


def test_a_message_that_is_too_large_is_refused(db):
    answer = client_of(user_with(*NEEDED)).post(URL, b" " * (LARGEST_MESSAGE + 1), content_type="application/json")
    assert only(answer, 413) == {"reason": "BodyTooLarge"}


def test_a_secret_is_not_echoed_where_the_message_is_refused(db):
    answer = client_of(user_with(*NEEDED)).post(URL, {"secret": UNKNOWN, "route": 1, UNKNOWN[::-1]: 1})
    refused(answer, 400)
    assert UNKNOWN not in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_message_is_sent_by_post_only(db, method):
    answer = getattr(client_of(user_with(*NEEDED)), method)(URL)
    assert only(answer, 405) == {"reason": "MethodNotAllowed"}


@pytest.mark.parametrize("missing", NEEDED)
def test_every_flag_is_needed(db, missing):
    client = client_of(user_with(*FLAGS - {missing}))
    assert only(client.post(URL, {}), 403) == {"reason": "PermissionDenied"}
    assert only(client.post(URL, {"route": 1}), 403) == {"reason": "PermissionDenied"}


def test_an_api_token_is_refused(stack, publish):
    answer = stack.client.post(URL, json=sent(api := publish()), headers=api.headers)
    assert answer.status_code == 401


def test_a_message_is_logged_in_two_lines_without_the_secret(stack, publish):
    user = user_with(*NEEDED)
    user.set_password("correct horse")
    user.save()
    api = publish()
    answer = stack.client.post(URL, json=sent(api), auth=(user.username, "correct horse"))
    user.delete()
    assert answer.status_code == 200, answer.content
    lines = _lines(stack, answer.json()["statistics"]["triggerId"])
    assert [line.split(": ")[1].split()[0] for line in lines] == ["started", "ended"]
    assert f'route="/api/custom/{api.definition.route}"' in lines[0]
    assert "code=200" in lines[1]
    for name in ("endpoint.log", "manager.log"):
        assert api.secret not in stack.log_text(name)


def _lines(stack, trigger_id: str) -> list[str]:
    return [line for line in stack.log_text("endpoint.log").splitlines() if f"trigger={trigger_id}" in line]


# --- The command ---


def command(stack, *arguments: str, secret: str | None = None, **options):
    """Run `manage.py trigger` as an operator does."""
    environment = {"PATH": os.environ["PATH"]} | stack.environment
    if secret is not None:
        environment["UDAPI_TRIGGER_SECRET"] = secret
    return subprocess.run(
        [PYTHON, "manage.py", "trigger", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        **{"stdin": subprocess.DEVNULL, "start_new_session": True} | options,
    )


SEES = """
import json
from automation.sdk import *
def on_api_trigger(engine, request):
    query = {name: request.query_parameters.get_all(name) for name in request.query_parameters.keys()}
    return ApiTriggerOutput(response_body=json.dumps([request.request_method.value, request.raw_body, query]))
"""


def test_the_command_prints_the_answer(stack, publish):
    api = publish(SEES)
    options = ["--method", "put", "--body", "grün", "--query", "a=1", "--query", "a=", "--query", "b=x=y"]
    done = command(stack, api.definition.route, *options, secret=api.secret)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert json.loads(answer["actionResult"]["responseBody"]) == ["Put", "grün", {"a": ["1", ""], "b": ["x=y"]}]
    assert len(_lines(stack, answer["statistics"]["triggerId"])) == 2
    assert api.secret not in done.stdout + done.stderr + stack.log_text("endpoint.log")


def test_the_command_takes_body_and_secret_from_files(stack, publish, tmp_path):
    api = publish()
    (tmp_path / "secret").write_text(api.secret + "\n")
    (tmp_path / "body").write_text("from a file\n")
    files = ["--secret-file", str(tmp_path / "secret"), "--body-file", str(tmp_path / "body")]
    done = command(stack, api.definition.route, *files)
    assert json.loads(done.stdout)["actionResult"]["responseBody"] == "from a file\n"


def test_the_command_fails_when_the_trigger_does(stack, publish):
    done = command(stack, publish().definition.route, secret=UNKNOWN)
    assert done.returncode != 0
    assert json.loads(done.stdout)["traceData"]["errorData"][0]["reason"] == "TokenNotFound"
    assert "TokenNotFound" in done.stderr
    assert UNKNOWN not in done.stdout + done.stderr


def test_the_command_asks_without_echo(stack, publish):
    api = publish()
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"]} | stack.environment
    arguments = [PYTHON, "manage.py", "trigger", api.definition.route]
    with subprocess.Popen(
        ["setsid", "--ctty", *arguments], cwd=ROOT, env=environment, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = _read_until(ours, b"Secret: ")
        os.write(ours, api.secret.encode() + b"\n")
        output, _ = process.communicate(timeout=60)
    shown += _rest(ours)
    assert json.loads(output)["actionResult"]["responseCode"] == 200
    assert api.secret.encode() not in shown


def _read_until(terminal: int, end: bytes) -> bytes:
    seen = b""
    while end not in seen:
        seen += os.read(terminal, 1_024)
    return seen


def _rest(terminal: int) -> bytes:
    seen = b""
    try:
        while part := os.read(terminal, 1_024):
            seen += part
    except OSError:
        # The other end is closed.
        pass
    os.close(terminal)
    return seen


def test_the_command_needs_a_terminal_or_a_secret(stack):
    _is_refused(command(stack, "some/route"), "--secret-file")


def _is_refused(done, text: str) -> None:
    assert done.returncode != 0
    assert text in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--secret-file", "no/such/file"], "cannot be read"),
        (["--query", "novalue"], "NAME=VALUE"),
        (["--body-file", "no/such/file"], "cannot be read"),
        (["--body", "a", "--body-file", "b"], "not allowed with"),
        (["--secret", UNKNOWN], "--secret"),
    ],
)
def test_the_command_refuses_malformed_arguments(open_db, arguments, text, monkeypatch, capsys):
    if "--secret-file" not in arguments:
        monkeypatch.setenv("UDAPI_TRIGGER_SECRET", UNKNOWN)
    command_line = ["manage.py", "trigger", "some/route", *arguments]
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(command_line)
    _is_refused(subprocess.CompletedProcess(command_line, int(str(ended.value.code)), *capsys.readouterr()), text)
