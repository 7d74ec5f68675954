"""Answers with the body of the request."""

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer 200 with the body of the request."""
    engine.log(f"An echo of {len(request.raw_body)} characters")
    return ApiTriggerOutput(response_code=StatusCode.OK, response_body=request.raw_body)
