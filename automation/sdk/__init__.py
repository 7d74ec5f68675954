"""What automation scripts import. Plain Python, so that a script can be tested with pytest alone.

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_code=StatusCode.OK, response_body=request.raw_body)
"""

from automation.sdk import sibling_libraries
from automation.sdk.engine import Engine, ScriptParameter, SubscriptRunner
from automation.sdk.errors import (
    ApiError,
    CredentialNotAllowed,
    ScriptExit,
    SubscriptFailed,
    UnknownScriptParameter,
)
from automation.sdk.media_types import is_text
from automation.sdk.requests import ApiTriggerInput, RequestMethod, TriggerContext
from automation.sdk.responses import ApiTriggerOutput, ResponseHeaders
from automation.sdk.status_codes import StatusCode
from automation.sdk.values import FormValues, MultiValues, QueryParameters, RequestHeaders

__all__ = [
    "ApiError",
    "ApiTriggerInput",
    "ApiTriggerOutput",
    "CredentialNotAllowed",
    "Engine",
    "FormValues",
    "MultiValues",
    "QueryParameters",
    "RequestHeaders",
    "RequestMethod",
    "ResponseHeaders",
    "ScriptExit",
    "ScriptParameter",
    "StatusCode",
    "SubscriptFailed",
    "SubscriptRunner",
    "TriggerContext",
    "UnknownScriptParameter",
    "is_text",
]

# Tests of scripts import nothing else of the platform. Script hosts undo it.
sibling_libraries.install()
