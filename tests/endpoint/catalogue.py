"""The error table of the contract, and the check that an answer is exactly a row of it."""

import json
import uuid
from collections.abc import Sequence
from typing import NamedTuple

TITLE = "Error occurred while handling the request, contact your admin with the provided errorCode and faultingNode ID."
GENERIC = "Something went wrong, contact the system administrator."
UNAVAILABLE = "The API is not available right now, try again later."
NEVER_STARTED = "The request was not started in time, it is safe to send it again."
MAY_HAVE_RUN = "The request was not answered in time, it may have been executed."
METHODS = "GET, PUT, POST, DELETE, PATCH"
LARGEST_BODY = 30 * 1024 * 1024
OF_A_TRIGGER, OF_NGINX = 7, 4
"""The versions of ids: those of triggers begin with the time, those of answers that nginx makes itself are random."""


class Row(NamedTuple):
    status: int
    names_node: bool
    detail: str


ROWS = {
    1: Row(400, False, "The route is empty."),
    3: Row(405, False, "The request method is not supported."),
    5: Row(404, False, "No API was found for this route."),
    7: Row(503, False, UNAVAILABLE),
    8: Row(500, True, GENERIC),
    9: Row(500, True, GENERIC),
    10: Row(400, True, "Invalid json body received."),
    11: Row(500, True, GENERIC),
    12: Row(500, True, GENERIC),
    13: Row(500, True, GENERIC),
    15: Row(500, True, GENERIC),
    16: Row(400, True, "The request body is missing script parameters."),
    17: Row(500, True, GENERIC),
    1001: Row(500, False, MAY_HAVE_RUN),
    1002: Row(500, True, GENERIC),
    1003: Row(415, False, "The content type is not supported."),
    1004: Row(500, True, GENERIC),
    1005: Row(500, True, GENERIC),
    1006: Row(503, False, UNAVAILABLE),
    1007: Row(500, False, "The request body could not be read."),
    1008: Row(401, False, "The authentication header is invalid."),
    1009: Row(413, False, "The request body is too large."),
    1010: Row(401, False, "Authentication failed."),
    1011: Row(414, False, "The query string is too large."),
    1012: Row(500, True, GENERIC),
    1013: Row(500, True, GENERIC),
    1014: Row(429, False, "The rate limit is exceeded."),
    2007: Row(500, True, "The run was cancelled."),
    2008: Row(503, False, "The API is busy, try again later."),
    2009: Row(503, False, "The API is disabled."),
}


def code_of(answer) -> int | None:
    """The errorCode of an answer; None if it is not an error of the catalogue."""
    try:
        return int(answer.json()["errors"][0]["errorCode"])
    except (ValueError, KeyError, TypeError):
        return None


def assert_error(
    answer,
    code: int,
    *,
    node: int | None = None,
    detail: str | None = None,
    missing: Sequence[str] = (),
    id_version: int = OF_A_TRIGGER,
) -> None:
    """`answer` is exactly the error `code`; `faultingNode` may be any node unless `node` is given."""
    row = ROWS[code]
    assert (answer.status_code, code_of(answer)) == (row.status, code), answer.content[:2_000]
    expected: dict[str, object] = {"title": TITLE, "detail": detail or row.detail, "errorCode": code}
    if row.names_node:
        found = answer.json()["errors"][0].get("faultingNode")
        assert type(found) is int and (found > 0 or node == 0)
        expected["faultingNode"] = found if node is None else node
    if missing:
        expected["missingScriptParameters"] = list(missing)
    assert answer.json() == {"errors": [expected]}
    _assert_headers(answer, code)
    assert_trigger_id(answer.headers, id_version)
    json.loads(answer.content.decode("utf-8"))


def _assert_headers(answer, code: int) -> None:
    headers = answer.headers
    assert headers["Content-Type"] == "application/json"
    assert headers.get("WWW-Authenticate") == ("Bearer" if ROWS[code].status == 401 else None)
    assert headers.get("Allow") == (METHODS if code == 3 else None)
    assert ("Retry-After" in headers) == (code in (7, 1014, 2008))
    assert int(headers.get("Retry-After", 1)) >= 1
    assert_no_stranger(headers)


def assert_trigger_id(headers, version: int = OF_A_TRIGGER) -> None:
    """Every answer below /api/custom names its trigger, once; the id is written as everywhere else."""
    found = uuid.UUID(headers["X-Trigger-Id"])
    assert (headers["X-Trigger-Id"], found.version) == (str(found), version)


def assert_no_stranger(headers) -> None:
    """No answer below /api/custom carries headers for browsers or a redirect."""
    names = {name.lower() for name in headers}
    assert not [name for name in names if name.startswith("access-control-")]
    assert not names & {"location", "set-cookie", "vary"}
