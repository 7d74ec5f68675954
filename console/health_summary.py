"""The health of the installation on the overview: one word, and a line for each component."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from access.policy import NODE, AnyUser, allows
from health import components
from health.states import ComponentState, HealthStatus

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
    HealthStatus.OFF: (gettext_lazy("off"), "off"),
    HealthStatus.UNKNOWN: (gettext_lazy("unknown"), "off"),
}


@dataclass(frozen=True)
class ComponentLine:
    """A component of the installation: how it is, in a word and a sentence."""

    key: str
    name: str | Promise
    word: str | Promise
    message: str
    since: datetime | None
    tone: str
    is_troubled: bool


@dataclass(frozen=True)
class HealthSummary:
    """`tone` is `good`, `warn` or `bad`."""

    word: str | Promise
    tone: str
    components: Sequence[ComponentLine]

    @property
    def troubles(self) -> Sequence[ComponentLine]:
        return [each for each in self.components if each.is_troubled]


def health_summary(user: AnyUser) -> HealthSummary | None:
    """None for users who may not view nodes."""
    if not allows(user, NODE, "view"):
        return None
    found = components.current()
    return HealthSummary(*_WORDS[found.status], [_line(each) for each in found.components])


def _line(state: ComponentState) -> ComponentLine:
    word, tone = _WORDS[state.status]
    return ComponentLine(state.name, _NAMES[state.name], word, state.message, state.since, tone, state.is_troubled)
