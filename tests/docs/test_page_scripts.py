"""The scripts in the pages answer as the comments above them say."""

import re
from itertools import zip_longest
from typing import Any

import httpx
import pytest
import yaml

from definitions.models import ActionType
from testbed.publisher import ECHO
from tests.automation.stored_credentials import stored_credential
from tests.docs import pages
from tests.docs.page_run import is_script
from tests.docs.pages import CodeBlock

SCRIPTS = [
    block for page in pages.PAGES for block in pages.blocks(page) if is_script(block) and not block.has("not run")
]
OUTSIDE = "https://chat.example.com/messages"
"""The other system that scripts of the pages call; here, an API takes its place that answers with what it gets."""


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_a_script_of_a_page_answers(stack, publish, block):
    """It is published under a route with `{id}`, and called in turn with each request of its block."""
    token, secret = publish.token()
    publish(ECHO, route="messages", token=(token, secret))
    for other in named_in(block.page):
        if other is not block:
            publish.script(other.text, name=other.order("script"))
    parameters = re.findall(r"script_param\([\"'](\w+)[\"']\)", block.text)
    api = publish(
        block.text.replace(OUTSIDE, f"{stack.url}/api/custom/messages"),
        route="page/{id}",
        name=block.order("script") or None,
        parameters=parameters,
        action_type=ActionType.AUTOMATION_SCRIPT if "def on_api_trigger" in block.text else ActionType.NO_ENTRY_POINT,
        content_types=["*/*"],
        token=(token, secret),
    )
    for name in block.orders.get("credential", []):
        stored_credential(name, secret, [api.definition.script])
    usual = [f"json: {dict.fromkeys(parameters, 'x')}"]
    for sent, answer in zip_longest(block.orders.get("sent", usual), block.orders.get("answer", [])):
        request = {"method": "POST"} | yaml.safe_load(sent)
        assert_answer(api.call(stack.client, path="/api/custom/page/7", **request), answer or "")


def named_in(page: str) -> list[CodeBlock]:
    return [block for block in pages.blocks(page) if block.has("script")]


def assert_answer(answer: httpx.Response, expected: Any) -> None:
    """`expected` is a status and perhaps the whole body; empty for any success."""
    status, _, body = expected.partition(" ")
    assert answer.is_success if not status else str(answer.status_code) == status, answer.text
    assert answer.text == body or not body


def test_an_answer_that_differs_from_the_page_fails(stack, publish):
    answer = publish().call(stack.client, content="hello", headers={"Content-Type": "text/plain"})
    for right in ("", "200", "200 hello"):
        assert_answer(answer, right)
    for wrong in ("201", "200 hell"):
        with pytest.raises(AssertionError):
            assert_answer(answer, wrong)
