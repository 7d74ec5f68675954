"""Scripts are tested with pytest alone, without a server and a database (docs/guides/testing-scripts.md)."""

import json
from pathlib import Path

import encoder_status
import pytest

from automation.sdk import ApiTriggerInput, Engine


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory for this test alone."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    return tmp_path


def test_the_status_of_a_known_encoder_is_its_state(state: Path) -> None:
    (state / "demo-encoders.json").write_text('{"7": {"state": "on", "bitrate": 4500}}')
    answer = encoder_status.on_api_trigger(Engine(), ApiTriggerInput(route_parameters={"id": "7"}))
    assert answer.response_code == 200
    assert json.loads(answer.response_body) == {"id": "7", "state": "on", "bitrate": 4500}


def test_the_status_of_an_unknown_encoder_is_404() -> None:
    answer = encoder_status.on_api_trigger(Engine(), ApiTriggerInput(route_parameters={"id": "8"}))
    assert answer.response_code == 404
    assert json.loads(answer.response_body)["errors"][0]["title"] == "Encoder not found"
