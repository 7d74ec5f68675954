"""The short form of `make chaos`: processes are killed or replaced while triggers run."""

from chaos import process_kills


def test_killed_processes_harm_no_other_trigger(trial, survived):
    survived(process_kills.kills(trial, triggers=300, kills=6))


def test_rolling_restart_loses_no_answer(trial, survived):
    survived(process_kills.rolling_restart(trial, rounds=1))
