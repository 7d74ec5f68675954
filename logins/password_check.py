"""Checking a password within the limits, whoever asks."""

from collections.abc import Callable
from typing import TypeVar

from logins import attempts, hash_slots, traces
from logins.attempts import Attempt
from logins.errors import LogInRefusedError

Found = TypeVar("Found")


def checked(attempt: Attempt, check: Callable[[], Found]) -> Found:
    """What `check` says about the password of the attempt: something true when it is right.

    Raises:
        LogInRefusedError: the password was not checked, or it was wrong and the last one that may be tried.
    """
    try:
        attempts.refuse_locked(attempt)
        with hash_slots.place():
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
