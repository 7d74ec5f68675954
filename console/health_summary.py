"""The health of the installation on the overview: one word, and a line for each component that is not well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from access.policy import NODE, AnyUser, allows
from health import components
from health.states import HealthStatus

_NAMES: Final = {
    "database": gettext_lazy("Database"),
    "broker": gettext_lazy("Redis"),
    "nodes": gettext_lazy("Worker nodes"),
    "versions": gettext_lazy("Versions"),
    "background": gettext_lazy("Background programs"),
    "clock": gettext_lazy("Clocks"),
    "mirror": gettext_lazy("Search mirror"),
    "runs": gettext_lazy("Runs"),
    "builds": gettext_lazy("Packages of scripts"),
    "disk": gettext_lazy("Disk"),
    "publicUrl": gettext_lazy("Public URL"),
}
_WORDS: Final = {
    HealthStatus.UP: (gettext_lazy("well"), "good"),
    HealthStatus.IMPAIRED: (gettext_lazy("impaired"), "warn"),
    HealthStatus.DOWN: (gettext_lazy("down"), "bad"),
}


@dataclass(frozen=True)
class Trouble:
    """A component that is not well."""

    name: str | Promise
    message: str
    since: datetime | None
    tone: str


@dataclass(frozen=True)
class HealthSummary:
    """`tone` is `good`, `warn` or `bad`."""

    word: str | Promise
    tone: str
    troubles: Sequence[Trouble]


def health_summary(user: AnyUser) -> HealthSummary | None:
    """None for users who may not view nodes."""
    if not allows(user, NODE, "view"):
        return None
    found = components.current()
    troubles = [
        Trouble(_NAMES[each.name], each.message, _worth_saying(each.since), _WORDS[each.status][1])
        for each in found.components
        if each.is_troubled
    ]
    return HealthSummary(*_WORDS[found.status], troubles)


def _worth_saying(since: datetime | None) -> datetime | None:
    """Not within the first minute, which would be one of no minutes."""
    return since if since and timezone.now() - since >= timedelta(minutes=1) else None
