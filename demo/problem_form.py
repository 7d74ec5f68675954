"""Reads a form, as web pages, curl -d and many services send it: POST demo/problems.

channel=7&channel=8&text=No+sound
"""

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Report a problem of some channels as an event, which the console shows."""
    form = request.form()
    channels, text = form.get_all("channel"), form.get("text", "").strip()
    if not channels or not all(channel.isdecimal() for channel in channels) or not text:
        raise ApiError(StatusCode.BAD_REQUEST, "Invalid form", "A problem has a text, and a number for each channel.")
    engine.information(f"Problem on {', '.join(channels)}: {text}")
    return ApiTriggerOutput.json({"channels": channels, "text": text}, StatusCode.CREATED)
