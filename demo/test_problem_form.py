"""A script that reads a form and writes an event, tested without the platform."""

import json

import problem_form
import pytest

from automation.sdk import ApiError, ApiTriggerInput, Engine


def test_a_problem_becomes_an_event() -> None:
    told: list[str] = []
    request = ApiTriggerInput(raw_body="channel=7&channel=8&text=No+sound,+%C3%A9")
    answer = problem_form.on_api_trigger(Engine(information=told.append), request)
    assert (answer.response_code, json.loads(answer.response_body)) == (
        201,
        {"channels": ["7", "8"], "text": "No sound, é"},
    )
    assert told == ["Problem on 7, 8: No sound, é"]


@pytest.mark.parametrize("body", ["", "text=x", "channel=7", "channel=7&text=+", "channel=7&channel=x&text=y"])
def test_an_incomplete_form_is_refused(body: str) -> None:
    with pytest.raises(ApiError) as refused:
        problem_form.on_api_trigger(Engine(), ApiTriggerInput(raw_body=body))
    assert refused.value.status == 400
