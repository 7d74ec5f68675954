"""A script that takes and returns bytes, tested without the platform."""

import json
from pathlib import Path

import attachments
import pytest

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, RequestMethod

EVERY_BYTE = bytes(range(256))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory for this test alone."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


def call(method: RequestMethod, name: str, body: bytes = b"") -> ApiTriggerOutput:
    request = ApiTriggerInput(request_method=method, route_parameters={"name": name}, raw_body_bytes=body)
    return attachments.on_api_trigger(Engine(), request)


def test_a_file_is_downloaded_as_it_was_uploaded() -> None:
    made = call(RequestMethod.PUT, "all.png", EVERY_BYTE)
    assert (made.response_code, json.loads(made.response_body)["bytes"]) == (201, 256)
    assert call(RequestMethod.PUT, "all.png", EVERY_BYTE).response_code == 200
    answer = call(RequestMethod.GET, "all.png")
    assert answer.response_body_bytes == EVERY_BYTE
    assert answer.response_headers.as_dict() == {
        "Content-Type": ["image/png"],
        "Content-Disposition": ['attachment; filename="all.png"'],
    }


@pytest.mark.parametrize(
    ("method", "name", "status"),
    [
        (RequestMethod.GET, "missing.png", 404),
        (RequestMethod.GET, "../secret", 400),
        (RequestMethod.PUT, ".hidden", 400),
        (RequestMethod.PUT, 'a"b', 400),
        (RequestMethod.PUT, "x" * 101, 400),
        (RequestMethod.DELETE, "all.png", 405),
    ],
)
def test_other_requests_are_refused(method: RequestMethod, name: str, status: int) -> None:
    with pytest.raises(ApiError) as refused:
        call(method, name)
    assert refused.value.status == status


def test_only_so_many_files_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_FILES", 1)
    call(RequestMethod.PUT, "one", b"1")
    call(RequestMethod.PUT, "one", b"2")
    with pytest.raises(ApiError, match="At most 1"):
        call(RequestMethod.PUT, "two", b"3")
