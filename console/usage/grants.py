"""Who may call what, beside who has called it: a row for each token of an API, or for each API of a token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from access.policy import RUN, AnyUser, allows
from console.charts.timeline import MeasuredRuns
from console.usage.names import Sharer
from console.usage.shares import OTHERS, UsageShare, UsageShares, unmeasured_shares, usage_shares


@dataclass(frozen=True)
class GrantRow:
    """A token of an API, or an API of a token: `granted` is None where it has called and is no longer allowed."""

    share: UsageShare
    granted: Any

    @property
    def is_gone(self) -> bool:
        """Whether it called, and may not any more."""
        return self.granted is None and self.share.key != OTHERS


@dataclass(frozen=True)
class GrantTable:
    """The rows, and whether they have figures."""

    shares: UsageShares
    rows: Sequence[GrantRow]
    has_figures: bool

    def share_of(self, obj: Any) -> UsageShare | None:
        """The figures of a granted object; None without figures."""
        found = (row.share for row in self.rows if obj is not None and row.share.key == str(obj.pk))
        return next(found, None) if self.has_figures else None


def grant_table(
    dimension: Sharer, granted: Mapping[UUID, Any], measured: MeasuredRuns | None, user: AnyUser
) -> GrantTable:
    """What is granted by its id, and who has called; users who may not view runs see what is granted."""
    has_figures = measured is not None and allows(user, RUN, "view")
    shares = (
        usage_shares(dimension, measured, user, granted.keys())
        if measured is not None and has_figures
        else unmeasured_shares(dimension, granted.keys(), user)
    )
    by_key = {str(key): each for key, each in granted.items()}
    return GrantTable(shares, [GrantRow(row, by_key.get(row.key)) for row in shares.rows], has_figures)
