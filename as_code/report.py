"""What an import has changed, and what its dry run would: counted, and as a difference that people read."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from as_code import writing
from as_code.kinds import DEFINITIONS, KINDS, TOKENS, DocumentKind
from as_code.plan import Plan, Target
from as_code.stored import Stored, token_keys
from objects.authorship import AuthoredModel


@dataclass
class Report:
    """What one import did."""

    plan: Plan
    stored: Stored
    deleted: Mapping[str, list[AuthoredModel]]
    kept: Mapping[str, list[AuthoredModel]]
    """What `--prune` left because the user may not delete it."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """The secrets of new tokens, by key."""
    warnings: list[str] = field(default_factory=list)
    """What is allowed, but probably not meant."""

    def __post_init__(self) -> None:
        """The objects as they are before they are changed; afterwards nobody knows."""
        self._keys = token_keys(self.stored.tokens)
        self._scripts = {script.pk: script.name for script in self.stored.scripts}
        self._script_was = {target.instance.pk: target.instance.script_id for target in self.plan.changes(DEFINITIONS)}
        self._deleted = {
            kind.section: [
                (_title(kind, instance), self._entry(kind, instance)) for instance in self.deleted.get(kind.section, [])
            ]
            for kind in KINDS
        }

    def summary(self) -> Iterator[str]:
        """A line for each kind, what was left, and the warnings."""
        for kind in KINDS:
            changes = self.plan.changes(kind)
            added = sum(target.is_new for target in changes)
            total, gone = len(self.plan.targets[kind.section]), len(self.deleted.get(kind.section, []))
            numbers = f"{added} added, {len(changes) - added} changed, {gone} deleted, {total - len(changes)} unchanged"
            yield f"{kind.section}: {numbers}"
        for section, objects in self.kept.items():
            if objects:
                yield f"{section}: {len(objects)} that no file names are left: you may not delete {section}"
        yield from self.warnings

    def difference(self) -> Iterator[str]:
        """A unified difference of the entries of everything that changes."""
        for kind in KINDS:
            for target in self.plan.changes(kind):
                yield from self._lines(kind, target.entry.title, self._before(target), self._after(target))
            for title, entry in self._deleted[kind.section]:
                yield from self._lines(kind, title, entry, {})

    def _lines(self, kind: DocumentKind, title: str, before: Any, after: Any) -> Iterator[str]:
        old, new = (writing.as_yaml(entry).splitlines() if entry else [] for entry in (before, after))
        name = writing.on_one_line(title)
        from_file = f"{kind.noun} {name}" if before else "/dev/null"
        to_file = f"{kind.noun} {name}" if after else "/dev/null"
        yield from difflib.unified_diff(old, new, from_file, to_file, lineterm="")

    def _before(self, target: Target) -> writing.Written:
        if target.is_new:
            return {}
        extra: dict[str, Any] = {}
        if target.kind is DEFINITIONS:
            extra = self._references(target.instance.pk, self._script_was[target.instance.pk])
        return writing.entry(target.kind, {**target.was, **extra})

    def _after(self, target: Target) -> writing.Written:
        values = {**target.entry.values, "id": None, "key": None}
        if target.kind is DEFINITIONS:
            values["allowedTokens"] = sorted(set(values["allowedTokens"]))
        if target.kind is TOKENS and values["secretDigest"]:
            values["secretDigest"] = "the one in the file"
        return writing.entry(target.kind, values)

    def _entry(self, kind: DocumentKind, instance: Any) -> writing.Written:
        extra = self._references(instance.pk, instance.script_id) if kind is DEFINITIONS else {}
        return writing.entry(kind, kind.content(instance) | extra)

    def _references(self, definition: UUID, script: UUID | None) -> dict[str, Any]:
        allowed = self.stored.allowed.get(definition, frozenset())
        names = {"allowedTokens": sorted(self._keys[token] for token in allowed)}
        return names | ({"script": self._scripts[script]} if script else {})


def _title(kind: DocumentKind, instance: Any) -> str:
    return str(instance.route if kind is DEFINITIONS else instance.name)
