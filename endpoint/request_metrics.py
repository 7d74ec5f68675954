"""Counts each request below /api/custom once, when it is answered."""

from endpoint.errors import TriggerError
from endpoint.trigger_request import METHODS
from foundation.metrics import REQUEST_SECONDS, REQUESTS, meters

_OTHER_METHOD = "other"
_INVALID = "InvalidRequest"


def count(method: str, route: str, result: int | TriggerError, seconds: float) -> None:
    """Count the script's response code, or the error. `route` is the definition's, empty if there is none."""
    status, reason = (result, "") if isinstance(result, int) else (result.status, result.reason)
    _count(method, route, status, reason)
    meters.observe(REQUEST_SECONDS, (route,), seconds)


def count_unseen(method: str | None, status: int) -> None:
    """Count a request that was answered before any check of the contract, such as one to another host."""
    _count(method or "", "", status, _INVALID)


def _count(method: str, route: str, status: int, reason: str) -> None:
    known = method if method in METHODS else _OTHER_METHOD
    meters.add(REQUESTS, (route, known, f"{status // 100}xx", reason))
