"""Shows the progress of a scan: GET demo/scans/{id}. scan.py starts the scan and writes the note that is read here."""

import json
import os
import uuid
from pathlib import Path

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer 200 with the note of the scan, 404 if there is none."""
    try:
        # Only an id may become part of a file name: callers could send ../ otherwise.
        scan = uuid.UUID(request.route_parameters["id"])
        note = Path(os.environ["STATE_DIRECTORY"], "demo-scans", f"{scan}.json").read_text()
    except (ValueError, FileNotFoundError):
        return _refused(StatusCode.NOT_FOUND, "Scan not found", "There is no such scan, or it is forgotten.")
    return ApiTriggerOutput(response_body=note)


def _refused(code: int, title: str, detail: str) -> ApiTriggerOutput:
    """An error of this API, in the form of the platform's errors but without an errorCode."""
    return ApiTriggerOutput(code, json.dumps({"errors": [{"title": title, "detail": detail}]}))
