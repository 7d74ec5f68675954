"""What a flag does beside others: some have no effect alone, and others only in the management API."""

from collections.abc import Collection
from typing import Final

from access.policy import CREDENTIAL, DEFINITION, POLICY, RUN, SCRIPT, TOKEN

_IN_CONSOLE: Final = frozenset({DEFINITION, TOKEN, SCRIPT, CREDENTIAL, RUN})
"""The models that have pages, which always need the flag to view them."""


def companions(flag: str) -> list[frozenset[str]]:
    """The alternatives of what `flag` needs beside it to have any effect; an empty set where it needs nothing."""
    beside = {need - {flag} for needs in POLICY.values() for need in needs if flag in need}
    return sorted((one for one in beside if not any(other < one for other in beside)), key=sorted)


def console_companion(flag: str) -> frozenset[str]:
    """What the pages of the console ask for beside `flag`; empty if they ask for nothing else."""
    labels = {label for (label, action), needs in POLICY.items() if any(flag in need for need in needs)}
    if len(labels) != 1 or not labels <= _IN_CONSOLE:
        return frozenset()
    (viewing,) = POLICY[labels.pop(), "view"]
    return viewing - {flag}


def has_effect(flag: str, given: Collection[str]) -> bool:
    """Whether `flag` allows anything to somebody who has the flags `given`."""
    return any(beside <= set(given) for beside in companions(flag))
