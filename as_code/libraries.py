"""The libraries that each script of the files will be saved with, found before anything is saved."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db.models import F

from as_code.entries import Entry, Faults
from as_code.refusals import called, source_fault
from as_code.stored import Stored
from as_code.versions import FileVersions, Matched, Used, described_content, own_name
from automation.libraries import LibraryError, current_libraries, resolve
from automation.models import AutomationScript, ScriptKind, ScriptVersion
from automation.source import contents_of
from automation.versions import content_hash, content_of

_AT_ONCE: Final = 200
"""How many sources are compiled together."""


class LibraryPlan:
    """Which version of which library each script will use.

    A script without `libraries` in its entry gets the versions that will be current; for a stored one, that is to renew
    it. A library that is in the files as well has no number here, since it is still to be saved.
    """

    def __init__(self, matched: Matched, stored: Stored, versions: FileVersions, faults: Faults) -> None:
        """Find the libraries of each entry; imports that lead nowhere go to `faults`."""
        self._stored, self._versions, self._faults = stored, versions, faults
        self._others = versions.scripts.keys() - {entry.title for entry, _ in matched}
        self._found: dict[str, ScriptVersion] = {}
        self._coming = {entry.title: _coming(entry, script) for entry, script in matched if _is_library(entry)}
        self._broken = {entry.title for entry, _ in matched if entry.broken}
        self.unresolved: set[UUID] = set()
        """Scripts whose libraries are unknown, because they or a library have a fault."""
        self._used: dict[UUID, Used] = {}
        # Libraries first: the faults of one are not reported again for the scripts that use it.
        for entry, script in sorted(self._importing(matched), key=lambda pair: pair[0].title not in self._coming):
            self._resolve(entry, script)
        self._finish()

    def changes(self, script: AutomationScript) -> bool:
        """Whether a stored script gets libraries with another content than those that it was saved with."""
        was = {use.name: use.content_hash for use in self._stored.uses.get(script.pk, {}).values()}
        coming = {name: version.content_hash for name, version in self._used.get(script.pk, {}).items()}
        return script.pk not in self.unresolved and was != coming

    def needs(self, script_id: UUID) -> set[UUID]:
        """The scripts that have to be saved before this one."""
        return {version.script_id for version in self._used.get(script_id, {}).values() if version.number is None}

    def libraries_of(self, script_ids: Collection[UUID]) -> dict[UUID, Used]:
        """The libraries of scripts that are about to be saved; asked when theirs are saved."""
        needed = set().union(*map(self.needs, script_ids))
        rows = ScriptVersion.objects.filter(script__in=needed, number=F("script__current_version"))
        saved = {version.script_id: version for version in rows} if needed else {}
        return {
            script_id: {
                name: saved[version.script_id] if version.number is None else version
                for name, version in self._used.get(script_id, {}).items()
            }
            for script_id in script_ids
        }

    def number_of(self, entry: Entry, script: AutomationScript) -> int | None:
        """The version that a new script is compared with when it is saved: one with what the entry describes, if any.

        None if it has no versions yet.
        """
        new = self._versions.new.get(script.pk, ()) if script._state.adding else ()
        if not new:
            return None
        whole, lock = _hash(described_content(entry), self._used.get(script.pk, {})), entry.values["lock"]
        same = {one.version.number for one in new if one.version.content_hash == whole and lock in (None, one.lock)}
        return max(same or {one.version.number for one in new})

    def _importing(self, matched: Matched) -> Iterator[tuple[Entry, AutomationScript]]:
        """The entries whose source imports libraries. Sources are compiled together; later look-ups find the result."""
        readable = [pair for pair in matched if not pair[0].broken]
        self.unresolved |= {script.pk for entry, script in matched if entry.broken}
        asked = [pair for pair in readable if self._may_import(*pair)]
        for first in range(0, len(asked), _AT_ONCE):
            some = asked[first : first + _AT_ONCE]
            found = contents_of([entry.values["source"] for entry, _ in some])
            yield from (
                pair for pair, each in zip(some, found, strict=True) if each.libraries or pair[0].values["libraries"]
            )

    def _may_import(self, entry: Entry, script: AutomationScript) -> bool:
        is_as_stored = not script._state.adding and script.source == entry.values["source"]
        return not is_as_stored or script.pk in self._stored.uses or bool(entry.values["libraries"])

    def _resolve(self, entry: Entry, script: AutomationScript) -> None:
        chosen = self._versions.libraries_of(entry, called(entry))
        missing: set[str] = set()
        reached: set[UUID] = set()

        def find(names: Collection[str]) -> Used:
            found = self._find(names, chosen)
            missing.update(set(names) - found.keys())
            reached.update(version.script_id for version in found.values() if version.number is None)
            return found

        try:
            self._used[script.pk] = resolve(entry.values["source"], own_name(entry.values["kind"], entry.title), find)
        except LibraryError as error:
            self.unresolved.add(script.pk)
            is_told = entry.title not in self._coming and not reached.isdisjoint(self.unresolved)
            # What is missing may be an entry with a fault, which is reported as well.
            may_be_there = missing and not (self._versions.are_all_read and missing.isdisjoint(self._broken))
            if not is_told and not may_be_there:
                self._faults.add(*source_fault(entry, error.line, called(entry), error.message))
            return
        if entry.broken or len(chosen) < len(entry.values["libraries"]):
            self.unresolved.add(script.pk)
        elif unused := chosen.keys() - self._used[script.pk].keys():
            unused_names = ", ".join(sorted(unused))
            self._versions.refuse(entry, f"{called(entry)}: the source does not import {unused_names}")
            self.unresolved.add(script.pk)

    def _find(self, names: Collection[str], chosen: Used) -> Used:
        if new := self._others.intersection(names) - self._found.keys() - chosen.keys():
            self._found |= current_libraries(new)
        return {
            name: version
            for name in names
            if (version := chosen.get(name) or self._coming.get(name) or self._found.get(name)) is not None
        }

    def _finish(self) -> None:
        """Find out who depends on a fault, and calculate the hashes of the libraries that are still to be saved."""
        self.unresolved |= {pk for pk in self._used if not self.needs(pk).isdisjoint(self.unresolved)}
        # A library uses fewer than whatever uses it.
        for version in sorted(self._coming.values(), key=lambda version: len(self._used.get(version.script_id, ()))):
            version.content_hash = _hash(content_of(version), self._used.get(version.script_id, {}))


def in_layers(script_ids: Sequence[UUID], plan: LibraryPlan) -> list[list[UUID]]:
    """Scripts that are to be saved, in groups: each group needs only what is in groups before it."""
    waiting, layers = set(script_ids), []
    while waiting:
        ready = [pk for pk in script_ids if pk in waiting and plan.needs(pk).isdisjoint(waiting)]
        # Libraries that import each other are refused, whatever their order.
        layers.append(ready or sorted(waiting))
        waiting.difference_update(layers[-1])
    return layers


def _is_library(entry: Entry) -> bool:
    return entry.is_identified and not entry.broken and entry.values["kind"] == ScriptKind.LIBRARY


def _coming(entry: Entry, script: AutomationScript) -> ScriptVersion:
    return ScriptVersion(script_id=script.pk, **described_content(entry))


def _hash(content: Mapping[str, object], used: Used) -> str:
    return content_hash(content, {name: version.content_hash for name, version in used.items()})
