"""Creates or changes an encoder: PUT or PATCH demo/encoders/{id}, JSON such as {"state": "on", "bitrate": 4500}.

The input type is `Parameters`: all values of the body arrive as text.
"""

import json

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, RequestMethod, StatusCode
from scripts.encoders import changed_encoders


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer with the encoder as it is now: 201 if it is new, otherwise 200."""
    if request.request_method not in (RequestMethod.PUT, RequestMethod.PATCH):
        return _refused(StatusCode.METHOD_NOT_ALLOWED, "Method not allowed", "PUT or PATCH an encoder.")
    encoder = request.route_parameters["id"]
    try:
        change = {name: _checked(name, text) for name, text in request.parameters.items()}
    except ValueError as error:
        return _refused(StatusCode.BAD_REQUEST, "Invalid change", str(error))
    with changed_encoders() as known:
        is_new = encoder not in known
        if is_new and request.request_method is RequestMethod.PATCH:
            return _refused(StatusCode.NOT_FOUND, "Encoder not found", f"There is no encoder {encoder!r}.")
        known[encoder] = known.get(encoder, {"state": "off", "bitrate": 1_000}) | change
    engine.log(f"encoder {encoder}: {change}")
    body = json.dumps({"id": encoder, **known[encoder]})
    return ApiTriggerOutput(StatusCode.CREATED if is_new else StatusCode.OK, body)


def _checked(name: str, text: str) -> str | int:
    """The value of a property. Raises ValueError with a sentence for the caller."""
    if name == "state" and text in ("on", "off"):
        return text
    if name == "bitrate" and text.isdecimal() and len(text) <= 5 and 100 <= int(text) <= 50_000:
        return int(text)
    raise ValueError("An encoder has a state (on or off) and a bitrate (100 to 50000 kbit/s).")


def _refused(code: int, title: str, detail: str) -> ApiTriggerOutput:
    """An error of this API, in the form of the platform's errors but without an errorCode."""
    return ApiTriggerOutput(code, json.dumps({"errors": [{"title": title, "detail": detail}]}))
