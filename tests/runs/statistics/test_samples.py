"""What the fleet did over time: looked at every ten seconds, kept by minute and by hour."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.utils import timezone

from fleet import overview
from fleet.heartbeat import NodeState
from fleet.overview import Fleet, LivingNode
from foundation.ids import new_run_id
from runs.models import FleetSample, NodeSample
from runs.statistics import retention, samples
from runs.statistics.periods import Period, Step, minute_of
from runs.statistics.samples import SampleLevel
from runs.tasks import sample_fleet
from tests.race import race
from udapi_site import timetable

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def no_samples(stack):
    """The stack looks by itself, at the present time: these tests are about another one."""
    yield
    for model in (FleetSample, NodeSample):
        model.objects.filter(start__lt=minute_of(NOON) + 3 * 1_440).delete()


def node(number, busy=0, slots=4):
    jobs = tuple(str(new_run_id()) for _ in range(busy))
    state = NodeState(number, "host", slots, NOON.isoformat(), jobs=jobs)
    return LivingNode(state, NOON, str(number))


def seen(after_seconds, *nodes, waiting=0, oldest_seconds=None):
    now = NOON + timedelta(seconds=after_seconds)
    oldest = None if oldest_seconds is None else now - timedelta(seconds=oldest_seconds)
    samples.note(Fleet(nodes, waiting, oldest), now)


def history(minutes=3, step=Step.MINUTE):
    return samples.over_time(Period.of(NOON, NOON + minutes * MINUTE, step))


@pytest.mark.usefixtures("no_samples")
class TestSamples:
    def test_average_and_most_of_a_minute(self):
        seen(0, node(1, busy=1), node(2, busy=4), waiting=3, oldest_seconds=2)
        seen(10, node(1, busy=3), node(2, busy=4))
        found = history()
        assert found.fleet[0].busy == SampleLevel(6, 7)
        assert found.fleet[0].slots == SampleLevel(8, 8)
        assert found.fleet[0].waiting == SampleLevel(1.5, 3)
        assert found.fleet[0].wait == SampleLevel(1_000, 2_000)
        assert found.nodes[1][0].busy == SampleLevel(2, 3)

    def test_a_gap_is_no_zero(self):
        """Nobody looked in the second minute; in the third, one of the nodes was gone."""
        seen(0, node(1), node(2))
        seen(120, node(1))
        found = history()
        assert [point and point.slots.average for point in found.fleet] == [8, None, 4]
        assert [point and point.busy.average for point in found.nodes[2]] == [0, None, None]

    def test_steps_are_made_of_minutes_and_of_hours(self):
        for minute in range(0, 120, 30):
            seen(minute * 60, node(1, busy=minute // 30))
        (first, second) = history(120, Step.HOUR).nodes[1]
        assert (first.busy, second.busy) == (SampleLevel(0.5, 1), SampleLevel(2.5, 3))
        assert history(10, Step.FIVE_MINUTES).nodes[1][0].busy == SampleLevel(0, 0)
        assert history(120, Step.DAY).fleet[0].busy == SampleLevel(1.5, 3)

    def test_two_programs_that_look_at_once_count_once(self):
        looks = [partial(seen, 5 * number, node(1, busy=2), node(2)) for number in range(2)]
        assert race(*looks, *looks) == [None] * 4
        rows = [*FleetSample.objects.filter(step=1, start=minute_of(NOON))]
        assert [(row.looks, row.busy, row.slots) for row in rows] == [(1, 2, 8)]
        seen(10, node(1, busy=2))
        seen(9, node(1, busy=2))
        assert set(NodeSample.objects.filter(start=minute_of(NOON)).values_list("node", "looks")) == {
            (1, 2),
            (2, 1),
        }

    def test_samples_go_when_their_time_is_over(self):
        for ago in (timedelta(hours=49), timedelta(hours=47), timedelta(days=36), timedelta(days=34)):
            samples.note(Fleet([node(1)], 0), timezone.now() - ago)
        before = NodeSample.objects.filter(node=1).count()
        retention.prune()
        # Of four minutes three are gone, of four hours one.
        assert before - NodeSample.objects.filter(node=1).count() == 4


@pytest.mark.usefixtures("stack")
def test_the_fleet_is_looked_at_every_ten_seconds():
    assert timetable.entries()[sample_fleet.name]["schedule"] == samples.EVERY
    sample_fleet()
    now = timezone.now()
    point = samples.over_time(Period.of(now - MINUTE, now, Step.MINUTE)).fleet
    assert overview.look().limit in {each.slots.most for each in point if each}
