"""A script with parameters, a subscript and a log, tested without the platform."""

import json
from pathlib import Path

import pytest
import scan

from automation.sdk import ApiTriggerInput, Engine, QueryParameters, SubscriptFailed, TriggerContext

REQUEST = ApiTriggerInput(query_parameters=QueryParameters({"channels": "3"}), context=TriggerContext(trigger_id="s-1"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory for this test alone; scanning takes no time."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(scan, "SECONDS_FOR_A_CHANNEL", 0)
    return tmp_path


def test_a_scan_starts_as_a_job_of_its_own() -> None:
    begun = []

    def run_subscript(name: str, parameters: dict[str, str], wait: bool) -> str:
        begun.append((name, parameters, wait))
        return "the job's id"

    answer = scan.on_api_trigger(Engine(run_subscript=run_subscript), REQUEST)
    assert (answer.response_code, answer.response_headers.as_dict()) == (
        202,
        {"Location": ["/api/custom/demo/scans/s-1"]},
    )
    assert begun == [("scan", {"scan": "s-1", "channels": "3"}, False)]


def test_a_scan_that_cannot_start_is_503() -> None:
    def run_subscript(name: str, parameters: dict[str, str], wait: bool) -> str:
        raise SubscriptFailed("no node is alive")

    log: list[str] = []
    answer = scan.on_api_trigger(Engine(run_subscript=run_subscript, log=log.append), REQUEST)
    assert (answer.response_code, log) == (503, ["no node is alive"])


def test_the_job_writes_down_its_progress(state: Path) -> None:
    scan.run(Engine({"scan": "s-1", "channels": "3"}))
    note = json.loads((state / "demo-scans" / "s-1.json").read_text())
    assert note == {"id": "s-1", "state": "done", "done": 3, "channels": 3}


def test_a_failed_job_writes_down_that_it_failed(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_scan_channel", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        scan.run(Engine({"scan": "s-1", "channels": "3"}))
    assert json.loads((state / "demo-scans" / "s-1.json").read_text())["state"] == "failed"
