"""Says when the items of a programme begin and end: POST demo/rundown?start=20:00:00:00, a duration and a title a line.

Its package knows how to add timecodes.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["udapi-demo-timecode>=1.0"]
# ///

import json

from timecode import Timecode

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer with the items as JSON, or 400 with what is wrong. `rate` is the number of frames a second, 25 without."""
    query = request.query_parameters
    try:
        items = _timed(request.raw_body, query.get("start", "00:00:00:00"), query.get("rate", "25"))
    except ValueError as error:
        return _refused(StatusCode.BAD_REQUEST, "Not a rundown", f"{error}.")
    engine.log(f"{len(items)} items")
    return ApiTriggerOutput(response_body=json.dumps({"items": items}))


def _timed(lines: str, start: str, rate: str) -> list[dict[str, str]]:
    at, items = Timecode.parse(start, rate), []
    for line in lines.strip().splitlines():
        duration, _, title = line.strip().partition(" ")
        end = at + Timecode.parse(duration, rate)
        items.append({"title": title, "start": str(at), "end": str(end)})
        at = end
    return items


def _refused(code: int, title: str, detail: str) -> ApiTriggerOutput:
    """An error of this API, in the form of the platform's errors but without an errorCode."""
    return ApiTriggerOutput(code, json.dumps({"errors": [{"title": title, "detail": detail}]}))
