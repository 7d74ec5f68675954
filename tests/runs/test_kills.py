"""The short form of `make chaos ONLY=runs`: processes die, and each answered trigger leaves its run."""

from chaos import runs
from chaos.rows import table
from chaos.trial import Trial

TRIGGER_SECONDS = 4


def test_each_answered_trigger_leaves_one_run_whatever_is_killed(own_stack, publish):
    """Not the database, which other tests of this process use: tests/chaos/test_database.py restarts one of its own."""
    stack = own_stack(UDAPI_TRIGGER_TIMEOUT_SECONDS=str(TRIGGER_SECONDS), UDAPI_WEB_THREADS="64")
    rows = runs.kills(Trial(stack, publish, TRIGGER_SECONDS + 4), triggers=300, kills=3, server=None)
    assert all(row.is_good for row in rows), "\n" + table(rows)
