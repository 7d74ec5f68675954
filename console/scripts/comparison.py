"""Two versions of a script next to each other: how they run, their libraries, their sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from automation.versions import Reuse, ScriptKind, ScriptVersion
from console.scripts.differences import Difference, difference


@dataclass(frozen=True)
class Comparison:
    """What differs between two versions."""

    old: ScriptVersion
    new: ScriptVersion
    settings: Sequence[tuple[Promise, str, str]]
    """The label, old and new value of each setting that differs."""
    source: Difference | None
    """None where the sources are the same."""


def compared(old: ScriptVersion, new: ScriptVersion) -> Comparison:
    pairs = zip(_settings(old), _settings(new), strict=True)
    settings = [(label, was, now) for (label, was), (_label, now) in pairs if was != now]
    source = None if old.source == new.source else difference(old.source, new.source)
    return Comparison(old, new, settings, source)


def _settings(version: ScriptVersion) -> list[tuple[Promise, str]]:
    uses = sorted((use.name, use.number) for use in version.library_uses.all())
    return [
        (_("Kind"), _label(ScriptKind, version.kind)),
        (_("Script parameters"), ", ".join(version.parameters)),
        (_("Time-out"), f"{version.timeout_seconds} s"),
        (_("Memory limit"), f"{version.memory_limit_mb} MB"),
        (_("Process"), _label(Reuse, version.reuse)),
        (_("Libraries"), ", ".join(f"{name} {number}" for name, number in uses)),
    ]


def _label(choices: Any, value: str) -> str:
    return str(dict(choices.choices).get(value, value))
