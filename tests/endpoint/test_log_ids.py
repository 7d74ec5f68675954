"""The ids of a trigger are on its own lines of the log only, whatever its thread does before, after and beside it."""

import json
import logging
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from endpoint import trigger_request
from foundation.log_formats import JsonFormatter
from foundation.logs import REFUSED_LOGGER

OTHER_LOGGER = "udapi.test_of_ids"


class KeptLines(logging.Handler):
    """Keeps what would be written, formatted in the thread that logs."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def kept():
    handler, loggers = KeptLines(), [logging.getLogger(name) for name in (REFUSED_LOGGER, OTHER_LOGGER)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield handler
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_lines_of_many_threads_bear_the_ids_of_their_own_trigger(kept):
    at_once = threading.Barrier(8)

    def calls(_: int) -> dict[str, str]:
        """The trace that was sent with each trigger."""
        client, sent = Client(), {}
        at_once.wait(60)
        for number in range(25):
            trace_id = secrets.token_hex(16) if number % 2 else ""
            headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"} if trace_id else {}
            answer = client.options(f"/api/custom/{number}", headers=headers)
            sent[answer.headers["X-Trigger-Id"]] = trace_id
            logging.getLogger(OTHER_LOGGER).info("what the next request on this thread logs")
        return sent

    with ThreadPoolExecutor(8) as threads:
        sent = {trigger: trace for own in threads.map(calls, range(8)) for trigger, trace in own.items()}
    refused = [line for line in kept.lines if line["logger"] == REFUSED_LOGGER]
    assert {line["trigger_id"]: line.get("trace_id", "") for line in refused} == sent
    others = [line for line in kept.lines if line["logger"] == OTHER_LOGGER]
    assert len(others) == len(refused) == 200
    assert not [line for line in others if "trigger_id" in line or "trace_id" in line]


def test_fault_of_the_server_leaves_no_id_behind(kept, monkeypatch):
    def fails(*_: object) -> None:
        logging.getLogger(OTHER_LOGGER).info("within")
        raise SystemExit

    monkeypatch.setattr(trigger_request, "read", fails)
    with pytest.raises(SystemExit):
        Client().get("/api/custom/x", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    logging.getLogger(OTHER_LOGGER).info("after")
    within, after = kept.lines
    assert within["trigger_id"] and within["trace_id"] == "a" * 32
    assert "trigger_id" not in after and "trace_id" not in after


def test_thread_that_a_trigger_starts_logs_for_everybody(kept, monkeypatch):
    """Such as one that serves all triggers, of which the first one has need."""

    def starts(*_: object) -> None:
        thread = threading.Thread(target=logging.getLogger(OTHER_LOGGER).info, args=("of a thread",))
        thread.start()
        thread.join()
        raise SystemExit

    monkeypatch.setattr(trigger_request, "read", starts)
    with pytest.raises(SystemExit):
        Client().get("/api/custom/x")
    (line,) = kept.lines
    assert "trigger_id" not in line
