"""What a node builds first."""

from datetime import UTC, datetime

from automation.requirements import Requirements
from fleet.build_work import Installing, Resolving, in_turn


def test_what_fails_again_and_again_keeps_nothing_else_waiting():
    locks = [Installing(number, f"{number}") for number in range(4)]
    saved, failed = (Resolving(number, datetime.now(UTC), Requirements()) for number in (1, 2))
    order = in_turn([*locks, failed, saved], {failed: 40.0}, {0: 50.0, 2: 30.0})
    assert order == [locks[1], locks[3], saved, locks[2], failed, locks[0]]
