"""The short form of `make chaos ONLY=statistics`: everything breaks while triggers run, and is counted rightly."""

from chaos import statistics
from chaos.runs import wait_until_stored
from testbed.stack import Stack
from tests.runs.stored_at_once import store_at_once


def test_callers_runs_and_counters_say_the_same(trial, survived):
    def store(stack: Stack) -> None:
        wait_until_stored(stack)
        store_at_once(stack)

    survived(statistics.agreement(trial, triggers=400, faults=6, store=store))
