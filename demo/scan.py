"""Scans channels, which takes long: POST demo/scans answers 202 at once, and the scan continues as a job of its own.

One file for both: callers reach `on_api_trigger`, and `run` is the job. scan_status.py shows the progress.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode, SubscriptFailed

KEPT_SECONDS = 24 * 60 * 60
SECONDS_FOR_A_CHANNEL = 0.2


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Start a scan of as many channels as the query says (`?channels=20`); `Location` is where to ask for progress."""
    channels = request.query_parameters.get("channels", "10")
    if not (channels.isdecimal() and len(channels) <= 4 and 1 <= int(channels) <= 1_000):
        return _refused(StatusCode.BAD_REQUEST, "Invalid number", "channels is a number from 1 to 1000.")
    scan = request.context.trigger_id
    _note(scan, state="queued", done=0, channels=int(channels))
    try:
        engine.run_subscript("scan", {"scan": scan, "channels": channels}, wait=False)
    except SubscriptFailed as failure:
        engine.log(failure)
        return _refused(503, "Not begun", "The scan could not be begun, try again later.")
    output = ApiTriggerOutput(StatusCode.ACCEPTED, json.dumps({"id": scan, "state": "queued"}))
    output.response_headers.set("Location", f"/api/custom/demo/scans/{scan}")
    return output


def run(engine: Engine) -> None:
    """The job; it writes down its progress after each channel."""
    scan, channels = engine.script_param("scan").value, int(engine.script_param("channels").value)
    _forget_old_scans()
    done = 0
    try:
        while done < channels:
            _note(scan, state="running", done=done, channels=channels)
            _scan_channel()
            done += 1
    except Exception:
        _note(scan, state="failed", done=done, channels=channels)
        raise
    _note(scan, state="done", done=done, channels=channels)
    engine.log(f"scan {scan}: {channels} channels")


def _scan_channel() -> None:
    """Stands for work of your own that takes long."""
    time.sleep(SECONDS_FOR_A_CHANNEL)


def _note(scan: str, **progress: str | int) -> None:
    """Replace the note as a whole, so that nobody reads half of it."""
    file = _folder() / f"{scan}.json"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"id": scan, **progress}))
    fresh.replace(file)


def _forget_old_scans() -> None:
    for note in _folder().iterdir():
        with suppress(FileNotFoundError):  # another scan has deleted it
            if time.time() - note.stat().st_mtime > KEPT_SECONDS:
                note.unlink()


def _folder() -> Path:
    folder = Path(os.environ["STATE_DIRECTORY"], "demo-scans")
    folder.mkdir(exist_ok=True)
    return folder


def _refused(code: int, title: str, detail: str) -> ApiTriggerOutput:
    """An error of this API, in the form of the platform's errors but without an errorCode."""
    return ApiTriggerOutput(code, json.dumps({"errors": [{"title": title, "detail": detail}]}))
