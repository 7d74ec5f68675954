"""The short form of `make chaos ONLY=overload`: more callers than the fleet can serve. The long form checks rates."""

from chaos import overload
from chaos.trial import Trial
from tests.chaos.conftest import LIMIT_SECONDS, TRIGGER_SECONDS


def test_every_caller_of_an_overloaded_fleet_is_answered_or_refused_in_time(own_stack, publish, survived):
    stack = own_stack(UDAPI_TRIGGER_TIMEOUT_SECONDS=str(TRIGGER_SECONDS), UDAPI_WEB_THREADS="1000")
    # Its callers alone keep both processors busy, besides the other tests.
    trial = Trial(stack, publish, 2 * LIMIT_SECONDS)
    # Three times the capacity for four seconds is twice what can wait for four.
    rows = overload.overload(trial, seconds=4, factors=(3,), deadline=TRIGGER_SECONDS, judges_bursts=False)
    everybody, _, _, refused, fast = rows
    survived([everybody, refused, fast])
    assert refused.tried > 0
