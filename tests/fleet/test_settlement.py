"""Builds end when all nodes have what they need, or when their time is over; it goes on while others are built."""

from datetime import timedelta

import pytest
from django.utils import timezone

from automation import build_changes
from automation.builds import Build, BuildState
from automation.requirements import Requirements
from fleet.heartbeat import NodeState
from fleet.settlement import Living, Settlement

NODE = NodeState(1, "here", 4, "2020-01-01T00:00:00Z", builds=True)


def begun(name: str, minutes_ago: float, ended_minutes_ago: float | None = None) -> Build:
    """A build of a trial, which is Ready if it has ended."""
    build = build_changes.begin(None, Requirements(dependencies=(name,)), None, by="jane", is_ready=False)
    now = timezone.now()
    build.started_at = now - timedelta(minutes=minutes_ago)
    if ended_minutes_ago is not None:
        build.state, build.ended_at = BuildState.READY, now - timedelta(minutes=ended_minutes_ago)
    build.save()
    return build


@pytest.mark.parametrize(
    ("hours", "others_end", "state"),
    [
        (0.2, None, BuildState.BUILDING),
        (1, None, BuildState.FAILED),
        (1, 5, BuildState.BUILDING),
        (1, 30, BuildState.FAILED),
        (25, 5, BuildState.FAILED),
    ],
)
def test_a_build_that_waits_for_others_has_its_time_after_them(db, hours, others_end, state):
    build = begun("six", hours * 60)
    if others_end is not None:
        begun("attrs", 90, others_end)
    Settlement([build], Living([NODE], [])).end()
    build.refresh_from_db()
    assert build.state == state
