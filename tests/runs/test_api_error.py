"""The run of a script that answers with an ApiError."""

from fleet.records import RunStatus

RAISES = """
from automation.sdk import *

def on_api_trigger(engine, request):
    raise ApiError(int(request.query_parameters.get("status")), "In use.", "Encoder 7")
"""


def test_run_succeeds_below_500_and_fails_above_with_the_text(stack, publish, stored):
    api = publish(RAISES)
    for code, status in ((409, RunStatus.SUCCEEDED), (503, RunStatus.FAILED)):
        run = stored(api.call(stack.client, params={"status": code}).headers["X-Trigger-Id"])
        assert (run.status, run.response_code, run.error_code) == (status, code, None)
        assert run.message == "In use: Encoder 7"
