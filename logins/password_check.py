"""Checking a password within the limits, for every interface."""

from collections.abc import Callable
from typing import TypeVar

from logins import attempts, traces
from logins.attempts import Attempt
from logins.errors import LogInRefusedError
from logins.hash_slots import slots

Found = TypeVar("Found")


def checked(attempt: Attempt, check: Callable[[], Found]) -> Found:
    """The result of `check`, which is truthy when the password of the attempt is right.

    Raises:
        LogInRefusedError: the password was not checked, or it was wrong and reached a limit.
    """
    try:
        attempts.refuse_locked(attempt)
        with slots.hold():
            attempts.count(attempt)
            found = check()
    except LogInRefusedError as refusal:
        traces.refused(attempt, refusal.detail)
        raise
    if found:
        attempts.forgive(attempt)
    else:
        traces.refused(attempt, "The user name or password is wrong.")
        attempts.refuse_locked(attempt)
    return found
