"""Shows the state of an encoder: GET demo/encoders/{id}/status."""

import json

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode
from scripts.encoders import encoders


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer 200 with the encoder as JSON, 404 if there is no such encoder."""
    encoder = request.route_parameters["id"]
    known = encoders()
    if encoder not in known:
        return _refused(StatusCode.NOT_FOUND, "Encoder not found", f"There is no encoder {encoder!r}.")
    return ApiTriggerOutput(response_body=json.dumps({"id": encoder, **known[encoder]}))


def _refused(code: int, title: str, detail: str) -> ApiTriggerOutput:
    """An error of this API, in the form of the platform's errors but without an errorCode."""
    return ApiTriggerOutput(code, json.dumps({"errors": [{"title": title, "detail": detail}]}))
