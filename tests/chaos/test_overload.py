"""The short form of `make chaos ONLY=overload`: more callers than the fleet can serve. Rates are for the long form."""

from chaos import overload
from tests.chaos.conftest import LIMIT_SECONDS, TRIGGER_SECONDS


def test_more_callers_than_the_fleet_can_serve(own_stack, publish, survived):
    stack = own_stack(UDAPI_TRIGGER_TIMEOUT_SECONDS=str(TRIGGER_SECONDS), UDAPI_WEB_THREADS="1000")
    rows = overload.overload(stack, publish, seconds=6, factors=(3,), deadline=TRIGGER_SECONDS, limit=LIMIT_SECONDS)
    everybody, _, _, refused, *_, fast = rows
    survived([everybody, refused, fast])
    assert refused.tried > 0
