"""How long a run took, as a bar: the part that it waited, the part that it ran, and the rest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.records import RunStatus
from foundation.ids import milliseconds_of
from foundation.times import now_milliseconds
from runs.models import Run

PartName = Literal["waited", "ran", "overhead", "unknown"]

WORDS: Final[dict[PartName, Promise]] = {
    "waited": gettext_lazy("Waited"),
    "ran": gettext_lazy("Ran"),
    "overhead": gettext_lazy("Overhead"),
    "unknown": gettext_lazy("Not known"),
}
_SMALLEST: Final = 0.8
"""Percent of the bar that a part takes at least, to be visible."""


def in_words(milliseconds: int | None) -> str:
    """`87 ms`, `1.25 s`, `2 min 5 s`; empty where it is not known."""
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:
        return _("%d ms") % milliseconds
    if milliseconds < 60_000:
        return _("%.2f s") % (milliseconds / 1_000)
    minutes, seconds = divmod(round(milliseconds / 1_000), 60)
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds}


@dataclass(frozen=True)
class Part:
    """A part of a bar. `start` and `width` are percent, as text that no language changes."""

    name: PartName
    milliseconds: int
    start: str
    width: str

    @property
    def label(self) -> Promise:
        return WORDS[self.name]

    @property
    def text(self) -> str:
        return in_words(self.milliseconds)


@dataclass(frozen=True)
class Bar:
    """The time of a run; `total` is the time until now if it goes on."""

    total: int
    parts: list[Part]

    @property
    def text(self) -> str:
        return in_words(self.total)

    @property
    def description(self) -> str:
        """All figures in a line."""
        return ", ".join(f"{part.label}: {part.text}" for part in self.parts) or self.text


def milliseconds_taken(run: Run) -> int:
    """From the acceptance to the answer, or until now."""
    if run.total_milliseconds is not None:
        return run.total_milliseconds
    known = (run.queue_milliseconds or 0) + (run.run_milliseconds or 0)
    return known if run.is_over else max(known, now_milliseconds() - milliseconds_of(run.pk), 0)


def bar_of(run: Run, longest: int = 0) -> Bar:
    """The bar of a run; beside those of others it is shorter than that of the `longest`, which takes the whole width.

    It grows with the square root of the time: the bar of a short run is still visible beside one of a minute.
    """
    total = milliseconds_taken(run)
    scale = sqrt(total / longest) * 100 if longest > total else 100.0
    times = [(name, time) for name, time in _times(run, total) if time > 0]
    widths = [max(_SMALLEST, time / max(total, 1) * scale) for _name, time in times]
    # Parts that would be invisible are wider than they should be, the others make room for them.
    shrink = min(1.0, scale / sum(widths)) if scale > _SMALLEST * len(widths) and widths else 1.0
    return Bar(total, list(_placed(times, [width * shrink for width in widths])))


def _times(run: Run, total: int) -> Iterator[tuple[PartName, int]]:
    waited, ran = run.queue_milliseconds, run.run_milliseconds
    if run.status == RunStatus.QUEUED:
        waited = total
    elif run.status == RunStatus.RUNNING:
        ran = total - (waited or 0)
    yield "waited", waited or 0
    yield "ran", ran or 0
    rest = total - (waited or 0) - (ran or 0)
    yield "unknown" if run.status == RunStatus.UNANSWERED and ran is None else "overhead", rest


def _placed(times: Iterable[tuple[PartName, int]], widths: Iterable[float]) -> Iterator[Part]:
    start = 0.0
    for (name, milliseconds), width in zip(times, widths, strict=True):
        yield Part(name, milliseconds, f"{start:.2f}", f"{width:.2f}")
        start += width
