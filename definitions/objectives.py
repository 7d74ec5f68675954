"""What an API is to achieve: a success rate, a 95th percentile of its answer time, or both."""

from math import isfinite
from typing import Final

LOWEST_RATE: Final = 50.0
HIGHEST_RATE: Final = 99.999
LONGEST_P95: Final = 120_000
_DECIMALS: Final = 3


def is_rate(value: object) -> bool:
    """Whether `value` is a success rate in percent, or None."""
    if value is None:
        return True
    if type(value) not in {int, float}:
        return False
    number = float(value)  # type: ignore[arg-type]  # it is a number
    return isfinite(number) and LOWEST_RATE <= number <= HIGHEST_RATE and number == round(number, _DECIMALS)


def is_p95(value: object) -> bool:
    """Whether `value` is a number of milliseconds, or None."""
    return value is None or (type(value) is int and 1 <= value <= LONGEST_P95)
