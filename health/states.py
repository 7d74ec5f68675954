"""The state of a component, in one word, and with a message."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class HealthStatus(StrEnum):
    """`impaired` works, but not as it should; `unknown` is what cannot be asked at the moment."""

    UP = "up"
    IMPAIRED = "impaired"
    DOWN = "down"
    OFF = "off"
    UNKNOWN = "unknown"


STATUSES: Final = tuple(status.value for status in HealthStatus)


@dataclass(frozen=True, kw_only=True)
class ComponentState:
    """How a component is. `since` is when this status was first seen; None if that is not known."""

    name: str
    status: HealthStatus
    message: str
    since: datetime | None = None

    @property
    def is_troubled(self) -> bool:
        return self.status in {HealthStatus.IMPAIRED, HealthStatus.DOWN}


ESSENTIAL: Final = frozenset({"database", "broker", "nodes"})
"""Without one of these, no API answers."""


def overall(states: Iterable[ComponentState]) -> HealthStatus:
    """`down` if an essential component is, `impaired` if anything else is not well, otherwise `up`."""
    troubled = [each for each in states if each.is_troubled]
    if any(each.status is HealthStatus.DOWN and each.name in ESSENTIAL for each in troubled):
        return HealthStatus.DOWN
    return HealthStatus.IMPAIRED if troubled else HealthStatus.UP
