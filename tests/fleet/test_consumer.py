"""A worker that has lost its broker reconnects soon after it is back, however long that took."""

import pytest
from celery import current_app
from kombu.utils import functional

from fleet.consumer import LONGEST_INTERVAL_SECONDS, PromptConsumer


class EnoughError(Exception):
    pass


def test_consumer_tries_a_lost_broker_every_few_seconds_for_ever(monkeypatch):
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if sum(slept) > 120:
            raise EnoughError

    monkeypatch.setattr(functional, "sleep", sleep)
    consumer = PromptConsumer.__new__(PromptConsumer)
    consumer.app = current_app
    with current_app.connection_for_read("redis://127.0.0.1:1/0") as nowhere, pytest.raises(EnoughError):
        consumer.ensure_connected(nowhere)
    assert len(slept) >= 120 / LONGEST_INTERVAL_SECONDS


def test_both_programs_use_the_prompt_consumer():
    # Both are one application; the program for triggers changes other settings only.
    assert current_app.conf.worker_consumer == "fleet.consumer:PromptConsumer"
