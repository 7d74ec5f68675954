"""Calls an API elsewhere with a credential: ?channel=7 asks it for the state of channel 7.

The credential outside-api, granted to this script, is the secret that the other API expects.
"""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

CREDENTIAL = "outside-api"
ADDRESS = "https://api.example.com"
LONGEST_SECONDS = 10
LARGEST_ANSWER = 1_000_000


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer with what the other API says, and 502 if it says nothing useful."""
    channel = request.query_parameters.get("channel", "")
    if not channel:
        raise ApiError(StatusCode.BAD_REQUEST, "No channel", "Name a channel: ?channel=7")
    return ApiTriggerOutput.json(_get(engine, f"/channels/{quote(channel, safe='')}"))


def _get(engine: Engine, path: str) -> Any:
    call = urllib.request.Request(ADDRESS + path)  # noqa: S310 - the address is the one above
    # Unlike other headers, an unredirected one does not follow a redirection to another server.
    call.add_unredirected_header("Authorization", f"Bearer {engine.credential(CREDENTIAL)}")
    # A second remains for an answer of our own.
    seconds = min(LONGEST_SECONDS, max(engine.remaining_seconds - 1, 0.1))
    try:
        with urllib.request.urlopen(call, timeout=seconds) as answer:  # noqa: S310
            return json.loads(answer.read(LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        # Neither the headers of the call nor the body of the answer: both may hold secrets.
        engine.log(f"{ADDRESS} answered {error.code}")
    except (OSError, HTTPException) as error:
        engine.log(f"{ADDRESS} did not answer: {error}")
    except ValueError as error:
        engine.log(f"{ADDRESS} cannot be asked, or answers no JSON: {type(error).__name__}")
    raise ApiError(StatusCode.BAD_GATEWAY, "No answer", "Another system did not answer as expected, try again later.")
