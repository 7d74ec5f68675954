"""The short form of `make chaos`: a trigger that timed out never runs."""

from chaos import expiry


def test_timed_out_triggers_never_run(trial, survived):
    survived(expiry.timed_out(trial, count=25, callers=50))


def test_stopped_worker_runs_no_trigger_of_callers_that_are_gone(trial, survived):
    survived(expiry.stopped_worker(trial, callers=8))
