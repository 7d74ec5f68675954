"""Durations, counted in buckets whose bounds grow by a fifth."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Final

_PER_OCTAVE: Final = 4
_OCTAVES: Final = 27
BOUNDS: Final = tuple(sorted({ceil(2 ** (power / _PER_OCTAVE)) for power in range(_PER_OCTAVE * _OCTAVES)}))
"""Bucket `n` counts durations from `BOUNDS[n - 1]` to below `BOUNDS[n]` milliseconds; up to 6 ms each has its own."""

_LANE_BYTES: Final = 5
_LANE_BITS: Final = 8 * _LANE_BYTES
_LANE: Final = (1 << _LANE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations fell into each bucket.

    The counts lie side by side in one integer, 40 bits each, so that a chart of a year adds up its 20,000 histograms
    with as many additions: a dictionary takes twenty times as long.
    """

    lanes: int = 0

    @classmethod
    def of(cls, milliseconds: Iterable[int]) -> "Histogram":
        return cls(sum(lane_of(each) for each in milliseconds))

    @classmethod
    def from_bytes(cls, found: bytes) -> "Histogram":
        """Read what `to_bytes` returned."""
        return cls(lanes_of(found))

    def to_bytes(self) -> bytes:
        """The first bucket that counts anything, as a byte, and the counts from there on."""
        return stored(self.lanes)

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram(self.lanes + other.lanes)

    def without(self, other: "Histogram") -> "Histogram":
        """These durations but those; a count that would fall below zero stays at zero."""
        if not other.lanes:
            return self
        kept, gone = list(_counts(self.lanes)), list(_counts(other.lanes))
        gone += [0] * (len(kept) - len(gone))
        left = [max(0, count - less) for count, less in zip(kept, gone, strict=False)]
        return Histogram(sum(count << _LANE_BITS * bucket for bucket, count in enumerate(left)))

    @property
    def count(self) -> int:
        return sum(_counts(self.lanes))

    def percentile(self, share: float) -> float | None:
        """The duration in milliseconds that `share` (from 0 to 1) of all do not exceed; None if there are none.

        It is in the bucket of the true one, so at most a fifth away from it.
        """
        sums = list(accumulate(_counts(self.lanes)))
        if not sums:
            return None
        rank = max(1, ceil(share * sums[-1]))
        bucket = next(number for number, sum_up_to in enumerate(sums) if sum_up_to >= rank)
        before = sums[bucket - 1] if bucket else 0
        # Whole milliseconds: the last one of a bucket is one before the next bound.
        lower, upper = (BOUNDS[bucket - 1], BOUNDS[min(bucket, len(BOUNDS) - 1)] - 1) if bucket else (0, 0)
        return lower + max(0, upper - lower) * (rank - before) / (sums[bucket] - before)

    def share_above(self, milliseconds: int) -> float | None:
        """The share of durations, from 0 to 1, that are longer; None if there are none.

        Those of the bucket that `milliseconds` falls into are taken as spread evenly over it.
        """
        counts = list(_counts(self.lanes))
        if not counts:
            return None
        bucket = bisect_right(BOUNDS, milliseconds)
        longer = float(sum(counts[bucket + 1 :]))
        if 0 < bucket < min(len(counts), len(BOUNDS)):
            lower, upper = BOUNDS[bucket - 1], BOUNDS[bucket] - 1
            longer += counts[bucket] * (upper - milliseconds) / (upper - lower + 1)
        return longer / sum(counts)


EMPTY: Final = Histogram()


def lanes_of(found: bytes) -> int:
    """The integer of a histogram that is stored."""
    return int.from_bytes(found[1:], "little") << _LANE_BITS * found[0] if found else 0


def stored(lanes: int) -> bytes:
    """What is stored of the integer of a histogram."""
    if not lanes:
        return b""
    first = ((lanes & -lanes).bit_length() - 1) // _LANE_BITS
    rest = lanes >> _LANE_BITS * first
    return bytes([first]) + rest.to_bytes((rest.bit_length() + 7) // 8, "little")


def lane_of(milliseconds: int) -> int:
    """A histogram of one duration, as its integer."""
    return 1 << _LANE_BITS * bisect_right(BOUNDS, milliseconds)


def _counts(lanes: int) -> Iterator[int]:
    while lanes:
        yield lanes & _LANE
        lanes >>= _LANE_BITS
