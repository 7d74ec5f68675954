"""30 MB pass both ways unchanged, and one byte more does not."""

import hashlib
import json
import random

import httpx
import psutil
import pytest

from definitions.models import InputType
from testbed.publisher import ECHO
from tests.endpoint.catalogue import LARGEST_BODY, assert_error

TEXT = {"Content-Type": "text/plain"}

DIGEST = """
import hashlib
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=hashlib.sha256(request.raw_body.encode()).hexdigest())
"""

# Responses are generated from a seed, so that size and hash are enough to check them.
MAKES = """
import random
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    made = random.Random(7).randbytes(int(request.query_parameters.get("bytes")))
    if "text" not in request.query_parameters:
        return ApiTriggerOutput(response_body_bytes=made)
    return ApiTriggerOutput(response_body=made[: len(made) // 2].hex() + "x" * (len(made) % 2))
"""


def made(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def text_of(size: int) -> bytes:
    """This many bytes of UTF-8, with characters of one to four bytes."""
    pattern = "aé€🎬".encode()
    return pattern * (size // len(pattern)) + b"x" * (size % len(pattern))


def pieces(content: bytes, size: int):
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_request_body_of_30_mb_is_accepted(stack, publish, is_chunked):
    content = text_of(LARGEST_BODY)
    sent = pieces(content, 100_003) if is_chunked else content
    answer = publish(DIGEST).call(stack.client, content=sent, headers=TEXT)
    assert answer.text == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_request_body_of_one_byte_more_is_refused(stack, publish, is_chunked):
    content = text_of(LARGEST_BODY + 1)
    sent = pieces(content, 100_003) if is_chunked else content
    api = publish(DIGEST)
    assert_error(httpx.post(stack.url + api.path, content=sent, headers=api.headers | TEXT), 1009)


@pytest.mark.parametrize("query", ["", "&text"])
def test_a_response_body_of_30_mb_is_sent(stack, publish, query):
    answer = publish(MAKES).call(stack.client, "GET", params=f"bytes={LARGEST_BODY}{query}")
    expected = made(LARGEST_BODY)
    if query:
        expected = expected[: LARGEST_BODY // 2].hex().encode()
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == LARGEST_BODY == len(answer.content)
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(expected).digest()


def answered(api, stack, content, content_type):
    """The answer to a large body. A busy machine may not begin a run in time, and says that it is safe to repeat it."""
    for _ in range(5):
        answer = api.call(stack.client, content=content, headers={"Content-Type": content_type})
        if '"errorCode": 1001' not in answer.text[:1_000]:
            break
    return answer


@pytest.mark.parametrize("query", ["", "&text"])
def test_a_response_body_of_one_byte_more_is_error_17(stack, publish, query):
    answer = publish(MAKES).call(stack.client, "GET", params=f"bytes={LARGEST_BODY + 1}{query}")
    assert_error(answer, 17)


def test_30_mb_there_and_back(stack, publish):
    content = text_of(LARGEST_BODY)
    answer = answered(publish(), stack, content, "text/plain")
    assert (answer.status_code, answer.content == content) == (200, True)


def test_text_is_counted_in_bytes_not_in_characters(stack, publish):
    api = publish(
        "from automation.sdk import ApiTriggerOutput\n"
        f"def on_api_trigger(e, r): return ApiTriggerOutput(response_body='é' * {LARGEST_BODY // 2} + r.raw_body)"
    )
    assert len(api.call(stack.client).content) == LARGEST_BODY
    assert_error(api.call(stack.client, content=b"x", headers=TEXT), 17)


def test_30_mb_of_parameters(stack, publish):
    room = LARGEST_BODY - len('{"a": ""}')
    source = (
        "from automation.sdk import ApiTriggerOutput\n"
        "def on_api_trigger(e, r): return ApiTriggerOutput(response_body=str(len(r.parameters['a'])))"
    )
    content = json.dumps({"a": "x" * room})
    answer = answered(publish(source, input_type=InputType.PARAMETERS), stack, content, "application/json")
    assert answer.text == str(room)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_048_576, 1_048_577])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_sizes_around_the_steps_of_reading(stack, publish, size, is_chunked):
    content = text_of(size)
    sent = pieces(content, 65_536) if is_chunked else content
    assert publish().call(stack.client, content=sent, headers=TEXT).content == content


@pytest.mark.root_too
def test_the_memory_of_large_bodies_is_given_back(stack, publish):
    api = publish(ECHO)
    content = b"x" * 10_000_000

    def megabytes() -> float:
        parents = [psutil.Process(process.pid) for process in (stack.web.process, stack.worker)]
        family = [*parents, *(child for parent in parents for child in parent.children(recursive=True))]
        # Only root sees the proportional size of a closed process; memory that is kept counts in both sizes.
        return sum(process.memory_info().rss for process in family) / 1_000_000

    def echo() -> None:
        assert len(api.call(stack.client, content=content, headers=TEXT).content) == len(content)

    echo()
    before = megabytes()
    for _ in range(12):
        echo()
    # Each call had its own thread there, and a host may have been replaced.
    assert megabytes() - before < 60
