"""Bodies that are not text, and forms."""

import hashlib
import json
import re
from pathlib import Path

import psutil
import pytest

from definitions.models import InputType
from testbed.publisher import ECHO
from tests.endpoint.catalogue import assert_error
from tests.endpoint.test_large_bodies import made
from tests.endpoint.wire import exchange, head

ANY = {"content_types": ["*/*"]}
MIRRORS = """
import hashlib
from automation.sdk import *

def on_api_trigger(engine, request):
    output = ApiTriggerOutput(response_body_bytes=request.raw_body_bytes)
    output.response_headers.set("X-Text", repr(request.raw_body)[:40])
    output.response_headers.set("X-Type", request.content_type or "none")
    output.response_headers.set("X-Hash", hashlib.sha256(request.raw_body_bytes).hexdigest())
    return output
"""
READS = """
from automation.sdk import *

def on_api_trigger(engine, request):
    if request.query_parameters.get("as") == "form":
        form = request.form()
        return ApiTriggerOutput.json({name: form.get_all(name) for name in form})
    return ApiTriggerOutput.json(request.json())
"""


def peak_megabytes(stack) -> float:
    """The peak of the web server's processes together."""
    master = psutil.Process(stack.web.process.pid)
    statuses = [Path(f"/proc/{each.pid}/status").read_text() for each in (master, *master.children())]
    return sum(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) for status in statuses) / 1_024


def test_29_mb_of_bytes_go_there_and_back_in_the_memory_of_text(stack, publish):
    api, content = publish(MIRRORS, **ANY), made(29 * 1024 * 1024)
    digest = hashlib.sha256(content).hexdigest()
    text = publish(ECHO)
    for _ in range(4):
        assert text.call(stack.client, content=b"x" * len(content), headers={"Content-Type": "text/plain"}).is_success
    of_text = peak_megabytes(stack)
    for _ in range(4):
        answer = api.call(stack.client, content=content, headers={"Content-Type": "application/octet-stream"})
        assert (answer.headers["X-Hash"], hashlib.sha256(answer.content).hexdigest()) == (digest, digest)
        assert answer.headers["X-Text"] == "''"
    # Another thread or worker may take a call for the first time.
    assert peak_megabytes(stack) - of_text < 40


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n\x00", "''"),
        ("application/octet-stream", b"plain", "''"),
        (None, b"plain", "''"),
        ("text/plain; charset=iso-8859-1", "ä".encode("latin-1"), "''"),
        ("text/csv", b"a;b", "'a;b'"),
        ("application/vnd.api+json; charset=utf-8", b"{}", "'{}'"),
        ("image/svg+xml", "<é/>".encode(), "'<\xe9/>'"),
        ("application/x-www-form-urlencoded", b"a=1", "'a=1'"),
    ],
)
def test_only_text_types_are_text(stack, publish, content_type, body, text):
    headers = {"Content-Length": str(len(body))} | ({"Content-Type": content_type} if content_type else {})
    api = publish(MIRRORS, **ANY)
    answer = exchange(stack.url, head("POST", api.path, *api.headers.items(), *headers.items()), body)
    assert (answer.status_code, answer.content, answer.headers["X-Text"]) == (200, body, text)
    assert answer.headers["X-Type"] == (content_type or "none").partition(";")[0]


def test_text_that_is_not_utf_8_is_error_1007_even_where_any_type_is_accepted(stack, publish):
    api = publish(MIRRORS, **ANY)
    assert_error(api.call(stack.client, content=b"\xff", headers={"Content-Type": "text/csv"}), 1007)


def test_definition_accepts_exactly_its_content_types(stack, publish):
    api = publish(MIRRORS, content_types=["image/png", "text/csv", "multipart/form-data"])
    accepted = ["image/png", "IMAGE/PNG", "text/csv; charset=UTF-8", 'multipart/form-data; boundary="x;y"']
    refused = [
        "application/json",
        "text/csv; charset=latin-1",
        "image/*",
        "*/*",
        "image/png/x",
        "text/csv;charset=",
        "",
    ]
    for content_type in accepted:
        assert api.call(stack.client, content=b"x", headers={"Content-Type": content_type}).status_code == 200
    for content_type in refused:
        assert_error(api.call(stack.client, content=b"x", headers={"Content-Type": content_type}), 1003)
    assert api.call(stack.client, "GET").status_code == 200
    assert_error(
        api.call(stack.client, content=b"x", headers={"Content-Type": "image/png", "Content-Encoding": "gzip"}), 1003
    )


def test_parameters_are_read_as_json_whatever_the_type(stack, publish):
    returns = "ApiTriggerOutput.json([request.parameters, request.raw_body])"
    source = f"from automation.sdk import *\ndef on_api_trigger(engine, request):\n    return {returns}\n"
    api = publish(source, input_type=InputType.PARAMETERS, **ANY)
    answer = api.call(stack.client, content=b'{"a": 1}', headers={"Content-Type": "application/octet-stream"})
    assert answer.json() == [{"a": "1"}, ""]
    assert_error(api.call(stack.client, content=b"\xff\xfe", headers={"Content-Type": "image/png"}), 10)


NAUGHTY = ["", "a b+c", "é日🎬", "&=;%", "\x00\x1f\x7f", "<script>", "'; --", "\u202e", "x" * 10_000]


def test_naughty_strings_arrive_through_form_and_json(stack, publish):
    api = publish(READS, content_types=["application/json", "application/x-www-form-urlencoded"])
    answer = api.call(stack.client, params={"as": "form"}, data={"name": NAUGHTY})
    assert answer.json() == {"name": NAUGHTY}
    assert api.call(stack.client, json={"name": NAUGHTY}).json() == {"name": NAUGHTY}


@pytest.mark.parametrize(
    ("as_form", "content_type", "body"),
    [
        (False, "application/json", b"{"),
        (False, "application/json", b""),
        (False, "application/json", b"NaN"),
        (False, "application/json", b"[" * 100_000),
        (False, "application/json", b"1" * 5_000),
        (True, "application/json", b"a=1"),
        (True, "application/x-www-form-urlencoded", b"a=%FF"),
    ],
)
def test_body_that_is_neither_is_answered_with_400(stack, publish, as_form, content_type, body):
    api = publish(READS, content_types=["application/json", "application/x-www-form-urlencoded"])
    query = {"as": "form"} if as_form else {}
    answer = api.call(stack.client, params=query, content=body, headers={"Content-Type": content_type})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, set(error)) == (400, {"title", "detail"})
    assert json.dumps(error).isascii()
