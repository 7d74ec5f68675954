"""The whole stack with JSON on standard output: every line is an object, and no log file is made."""

import json
from pathlib import Path

from tests.launcher.conftest import Start


def test_all_programs_log_json_to_standard_output(start: Start, tmp_path: Path) -> None:
    stack = start(tmp_path / "data", UDAPI_LOG_FORMAT="json", UDAPI_LOG_OUTPUT="stdout")
    stack.wait_until_printed('"message":"Ctrl-C ends it."')
    stack.end()
    lines = [json.loads(line) for line in stack.output.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert {line["logger"] for line in lines} >= {
        "udapi.launcher",
        "udapi.supervisor",
        "udapi.output.redis",
        "celery.apps.worker",
        "gunicorn.error",
        "udapi.trigger",
        "udapi.manager",
    }
    assert not any("[queues]" in line["message"] for line in lines), "the banner of Celery"
    assert not (tmp_path / "data" / "logs").exists()
