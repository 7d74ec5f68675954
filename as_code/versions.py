"""The versions that files describe: which stored version each one is, by content, and which have to be added."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError

from as_code.entries import Entry, Faults, FilePosition, shown
from as_code.kinds import VERSIONS, LibraryVersion
from as_code.refusals import faults_of, source_fault
from as_code.stored import locks_of
from automation.given_locks import GivenLock, refuse_uncovered
from automation.history import new_version
from automation.libraries import LibraryError, resolve
from automation.locks import LockError
from automation.models import AutomationScript, ScriptKind, ScriptVersion
from automation.package_plans import requirements_of
from automation.requirements import RequirementError
from automation.versions import CONTENT, content_of
from objects.authorship import SYSTEM

Matched = Sequence[tuple[Entry, AutomationScript]]
"""Entries of scripts, each with the stored or new script that it describes."""

Used = Mapping[str, ScriptVersion]
"""The versions of libraries, by the name that the source imports."""

_NAMED_ALL: Final = "A version in a file names all of its libraries."
_COLUMNS: Final = {name: one for name, one in VERSIONS.plain.items() if one.source in CONTENT}


class VersionKey(NamedTuple):
    """A version as files name it: the script, and the number that it has in the files."""

    script_id: UUID
    number: int


class NewVersion(NamedTuple):
    """A version that has to be added, its libraries, and the lock that the files give it."""

    version: ScriptVersion
    libraries: Used
    lock: GivenLock | None


class FileVersions:
    """The versions that files describe, and the stored ones that files name.

    A version of a file is the stored one with the same content, libraries and lock, whatever its number; without a lock
    in the file, any lock will do. If there is none, it has to be added, under the number of the file unless that has
    been used or passed.
    """

    def __init__(
        self, matched: Matched, scripts: Mapping[str, AutomationScript], faults: Faults, *, are_all_read: bool
    ) -> None:
        """`scripts` has every script by the name that it will have; what does not fit together goes to `faults`."""
        self.scripts, self._faults, self.are_all_read = scripts, faults, are_all_read
        self._entries = {
            VersionKey(script.pk, one.values["number"]): (entry, one)
            for entry, script in matched
            for one in entry.values.get("versions", ())
            if one.is_identified
        }
        self._unclear = {script.pk for entry, script in matched if not _tells_all_versions(entry)}
        self._stored = _stored_versions({key.script_id for key in self._entries})
        has_locks = any(one.values.get("lock") is not None for _, one in self._entries.values())
        self._locks = locks_of(one.pk for same in self._stored.values() for one in same) if has_locks else {}
        self._known: dict[VersionKey, ScriptVersion | None] = {}
        self._new: dict[VersionKey, NewVersion] = {}
        for key in self._in_order():
            self._known[key] = self._described(key)
        self.new = self._numbered()
        """What has to be added, by script."""

    def find(self, key: VersionKey) -> ScriptVersion | None:
        """The version that files mean with a number: one that they describe, else the stored one of that number."""
        if key not in self._known:
            self._known[key] = ScriptVersion.objects.filter(script=key.script_id, number=key.number).first()
        return self._known[key]

    def renumbered(self) -> Iterator[tuple[str, int, int]]:
        """The versions that have another number here than in the files: script, number there, number here."""
        for key, (owner, _) in self._entries.items():
            version = self._known[key]
            if version is not None and version.number != key.number:
                yield owner.title, key.number, version.number

    def is_unclear(self, key: VersionKey | None) -> bool:
        """Whether a version that is not found may be described in the files, in an entry with a fault."""
        if key is None:
            return not self.are_all_read
        return key in self._entries or key.script_id in self._unclear

    def libraries_of(self, entry: Entry, title: str) -> Used:
        """The versions that an entry names as its libraries, without those that are not found."""
        wanted: Mapping[str, LibraryVersion] = entry.values.get("libraries", {})
        found: dict[str, ScriptVersion] = {}
        for name, version in wanted.items():
            key = self._key(name, version)
            library = None if key is None else self.find(key)
            if library is not None and library.kind == ScriptKind.LIBRARY:
                found[name] = library
            elif library is not None or not self.is_unclear(key):
                rule = "neither the files nor the database has it"
                self.refuse(entry, f"{title}: unknown version {version} of the library {shown(name)}: {rule}")
        return found

    def refuse(self, entry: Entry, message: str) -> None:
        """Report a fault in the libraries of an entry."""
        self._faults.add(entry.at("libraries"), message)
        entry.broken.add("libraries")

    def _key(self, name: str, version: LibraryVersion) -> VersionKey | None:
        library, _, number = version.rpartition("@") if isinstance(version, str) else (name, "", version)
        script = self.scripts.get(library)
        return None if script is None else VersionKey(script.pk, int(number))

    def _in_order(self) -> Iterator[VersionKey]:
        """The versions of the files, libraries before their users; those that use each other are refused."""
        waiting = {key: self._needed(one) & self._entries.keys() for key, (_, one) in self._entries.items()}
        while waiting:
            ready = [key for key, needed in waiting.items() if needed.isdisjoint(waiting)]
            for key in ready or list(waiting):
                if not ready:
                    self.refuse(self._entries[key][1], f"{self._title(key)}: the libraries use each other")
                del waiting[key]
                yield key

    def _needed(self, entry: Entry) -> set[VersionKey]:
        keys = (self._key(name, version) for name, version in entry.values.get("libraries", {}).items())
        return {key for key in keys if key is not None}

    def _title(self, key: VersionKey) -> str:
        return f"version {key.number} of {shown(self._entries[key][0].title)}"

    def _described(self, key: VersionKey) -> ScriptVersion | None:
        """The version of an entry: the stored one with its content, else a new one; None if the entry has a fault."""
        owner, entry = self._entries[key]
        if entry.broken:
            return None
        used = self.libraries_of(entry, self._title(key))
        if entry.broken or len(used) < len(entry.values["libraries"]):
            return None
        new = NewVersion(new_version(key.script_id, described_content(entry), used, SYSTEM), used, entry.values["lock"])
        if same := [one for one in self._stored.get(key.script_id, ()) if self._is_same(one, new)]:
            return max(same, key=lambda one: (one.number == key.number, one.number))
        if broken := list(self._broken_rules(owner.title, entry, self._title(key), new)):
            for fault in broken:
                self._faults.add(*fault)
            return None
        self._new[key] = new
        return new.version

    def _is_same(self, stored: ScriptVersion, new: NewVersion) -> bool:
        has_lock = new.lock is None or new.lock.text == self._locks.get(stored.pk)
        return has_lock and stored.content_hash == new.version.content_hash

    def _broken_rules(self, name: str, entry: Entry, title: str, new: NewVersion) -> Iterator[tuple[FilePosition, str]]:
        """The rules of a script that concern its content, and whether its libraries are those that it imports."""
        script = AutomationScript(name=name, **content_of(new.version))
        script.with_libraries = new.libraries
        broken = {column: error for column, error in script.faults() if column in CONTENT}
        if broken:
            yield from faults_of(ValidationError(broken), entry, title)
            return
        try:
            needed = resolve(script.source, own_name(script.kind, name), lambda names: _some(new.libraries, names))
        except LibraryError as error:
            yield source_fault(entry, error.line, title, f"{error.message} {_NAMED_ALL}")
            return
        if unused := new.libraries.keys() - needed.keys():
            yield entry.at("libraries"), f"{title}: the source does not import {', '.join(sorted(unused))}"
        elif fault := fault_of_lock(*new):
            yield entry.at("lock"), f"{title}: {fault}"

    def _numbered(self) -> dict[UUID, list[NewVersion]]:
        found: dict[UUID, list[NewVersion]] = {}
        for key in sorted(self._new, key=lambda key: key.number):
            stored = [one.number for one in self._stored.get(key.script_id, ())]
            added = found.setdefault(key.script_id, [])
            latest = max([*stored, *(new.version.number for new in added)], default=0)
            self._new[key].version.number = max(key.number, latest + 1)
            added.append(self._new[key])
        return found


def described_content(entry: Entry) -> dict[str, object]:
    """The content of a version, or of a script, as an entry describes it."""
    version = ScriptVersion()
    for name, one in _COLUMNS.items():
        one.put(version, entry.values[name])
    return content_of(version)


def fault_of_lock(holder: AutomationScript | ScriptVersion, libraries: Used, lock: GivenLock | None) -> str:
    """Why a script or version with these libraries cannot have this lock; empty if it can, or if there is none."""
    try:
        if lock is not None:
            refuse_uncovered(lock.packages, requirements_of(holder.kind, holder.source, libraries))
    except LockError as error:
        return f"{error.message} Without the lock, the import finds the packages anew."
    except RequirementError:
        # They exclude each other, which is a fault of the source, with any lock.
        return ""
    return ""


def own_name(kind: str, name: str) -> str:
    """The name that a source must not import, because it is that of the library itself; "" for a script."""
    return name if kind == ScriptKind.LIBRARY else ""


def _some(versions: Used, names: Iterable[str]) -> Used:
    return {name: versions[name] for name in names if name in versions}


def _tells_all_versions(entry: Entry) -> bool:
    return "versions" not in entry.broken and all(one.is_identified for one in entry.values.get("versions", ()))


def _stored_versions(script_ids: Iterable[UUID]) -> dict[UUID, list[ScriptVersion]]:
    """All versions of these scripts; each is read whole only when it is needed."""
    found: dict[UUID, list[ScriptVersion]] = {}
    rows = ScriptVersion.objects.filter(script__in=list(script_ids))
    for version in rows.only("script_id", "number", "content_hash", "kind") if script_ids else ():
        found.setdefault(version.script_id, []).append(version)
    return found
