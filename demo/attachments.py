"""Keeps files as they are: PUT demo/attachments/{name} uploads one, GET downloads it."""

import hashlib
import mimetypes
import os
import re
from pathlib import Path

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, RequestMethod, StatusCode

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
MOST_FILES = 20


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Upload or download the file that the route names."""
    name = request.route_parameters["name"]
    if not NAME.fullmatch(name):
        raise ApiError(
            StatusCode.BAD_REQUEST, "Invalid name", "A name has up to 100 letters, digits, and the characters _ . -"
        )
    match request.request_method:
        case RequestMethod.PUT:
            return _upload(_folder() / name, request)
        case RequestMethod.GET:
            return _download(_folder() / name)
    raise ApiError(StatusCode.METHOD_NOT_ALLOWED, "Method not allowed", "PUT uploads a file, GET downloads it.")


def _upload(file: Path, request: ApiTriggerInput) -> ApiTriggerOutput:
    is_new = not file.exists()
    if is_new and len(list(file.parent.iterdir())) >= MOST_FILES:
        raise ApiError(StatusCode.CONFLICT, "No place left", f"At most {MOST_FILES} files are kept.")
    fresh = file.with_name(f".{request.context.trigger_id}.new")
    fresh.write_bytes(request.raw_body_bytes)
    fresh.replace(file)  # who downloads it meanwhile gets the old file or the new one, never a part
    digest = hashlib.sha256(request.raw_body_bytes).hexdigest()
    told = {"name": file.name, "bytes": len(request.raw_body_bytes), "sha256": digest}
    return ApiTriggerOutput.json(told, StatusCode.CREATED if is_new else StatusCode.OK)


def _download(file: Path) -> ApiTriggerOutput:
    try:
        output = ApiTriggerOutput(response_body_bytes=file.read_bytes())
    except FileNotFoundError:
        raise ApiError(StatusCode.NOT_FOUND, "File not found", f"There is no file {file.name!r}.") from None
    output.response_headers.set("Content-Type", mimetypes.guess_type(file.name)[0] or "application/octet-stream")
    output.response_headers.set("Content-Disposition", f'attachment; filename="{file.name}"')
    return output


def _folder() -> Path:
    folder = Path(os.environ["STATE_DIRECTORY"], "demo-attachments")
    folder.mkdir(exist_ok=True)
    return folder
