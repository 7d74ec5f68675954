"""The short form of `make chaos`: processes are killed or renewed while triggers run."""

from chaos import process_kills
from tests.chaos.conftest import LIMIT_SECONDS


def test_kills(broken_stack, publish, survived):
    survived(process_kills.kills(broken_stack, publish, triggers=300, kills=6, limit=LIMIT_SECONDS))


def test_a_rolling_restart_loses_no_answer(broken_stack, publish, survived):
    survived([process_kills.rolling_restart(broken_stack, publish, rounds=1, limit=LIMIT_SECONDS)])
