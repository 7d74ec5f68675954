"""What is stored, and what an import has to do: which entry is which object, what it refers to, and what differs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from as_code.entries import Description, Entry, Faults, shown
from as_code.kinds import CREDENTIALS, DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind
from as_code.libraries import LibraryPlan
from as_code.stored import Stored
from as_code.versions import FileVersions, VersionKey
from objects.authorship import AuthoredModel


@dataclass(frozen=True)
class Target:
    """An entry and the object that it describes; for a definition also what it refers to."""

    entry: Entry
    instance: Any
    is_new: bool
    was: Mapping[str, Any]
    """Its content before the import."""
    is_different: bool
    script: AuthoredModel | None = None
    allowed_tokens: frozenset[UUID] = frozenset()
    allowed_scripts: frozenset[UUID] = frozenset()
    gets_value: bool = False
    """Whether a credential gets a value that it does not have."""
    renews: bool = False
    """Whether a stored script gets other libraries or packages, or versions that APIs and scripts can run."""

    @property
    def kind(self) -> DocumentKind:
        return self.entry.kind

    def changes(self, name: str) -> bool:
        """Whether a stored object gets another value, as far as the file can be read."""
        return not self.is_new and self.was[name] != self.entry.values.get(name)


class Plan:
    """What an import has to do: the targets of every kind, and the stored objects that no entry describes."""

    def __init__(self, described: Description, stored: Stored, faults: Faults) -> None:
        """Compare files with what is stored; what does not fit together goes to `faults`."""
        self.described, self.stored, self._faults = described, stored, faults
        self.targets: dict[DocumentKind, list[Target]] = {}
        self.unnamed: dict[DocumentKind, list[Any]] = {}
        self._references: dict[DocumentKind, Mapping[str, Any]] = {}
        for kind in KINDS:
            matched = self._match(kind)
            taken = {instance.pk for _, instance in matched}
            self.unnamed[kind] = [one for one in stored.objects[kind] if one.pk not in taken]
            named = {entry.reference: instance for entry, instance in matched if entry.is_identified}
            # A name means the entry of the files before a stored object.
            self._references[kind] = _unambiguous(self.unnamed[kind]) | named
            if kind is SCRIPTS:
                are_all_read = SCRIPTS not in described.incomplete
                self.versions = FileVersions(matched, self._references[kind], faults, are_all_read=are_all_read)
                self.libraries = LibraryPlan(matched, stored, self.versions, faults)
            self.targets[kind] = [self._target(entry, instance) for entry, instance in matched]

    def changes(self, kind: DocumentKind) -> list[Target]:
        """What is to be saved, or has a fault."""
        return [target for target in self.targets[kind] if target.is_different]

    def _match(self, kind: DocumentKind) -> list[tuple[Entry, Any]]:
        """Each entry with its object: that of its id, else that of its name or route, else a new one."""
        entries, stored = self.described.entries[kind], self.stored.objects[kind]
        by_id = {instance.pk: instance for instance in stored}
        claimed = {entry.id for entry in entries}
        by_name: dict[str, list[Any]] = {}
        for instance in stored:
            if instance.pk not in claimed:
                by_name.setdefault(instance.signature if kind is DEFINITIONS else instance.name, []).append(instance)
        return [(entry, self._object_of(entry, by_id, by_name)) for entry in entries]

    def _object_of(self, entry: Entry, by_id: Mapping[UUID, Any], by_name: dict[str, list[Any]]) -> Any:
        if not entry.is_identified:
            return entry.kind.model()
        if entry.id is not None:
            return by_id.get(entry.id) or entry.kind.model(id=entry.id)
        # Popped, because tokens with keys of their own may share a name: the next one is new.
        found = by_name.pop(entry.signature, [])
        if len(found) > 1:
            ids = ", ".join(str(one.pk) for one in found)
            self._faults.add(entry.at("name"), f"several tokens have the name {shown(entry.title)}: add the id ({ids})")
            entry.broken.add("name")
            self.described.incomplete.add(entry.kind)
        return found[0] if len(found) == 1 else entry.kind.model()

    def _target(self, entry: Entry, instance: Any) -> Target:
        script = next(iter(self._found(SCRIPTS, entry, "script")), None)
        allowed = frozenset(token.pk for token in self._found(TOKENS, entry, "allowedTokens"))
        granted = frozenset(script.pk for script in self._found(SCRIPTS, entry, "allowedScripts"))
        is_new = instance._state.adding
        gets_value = entry.kind is CREDENTIALS and self.stored.has_other_value(instance, entry.secret)
        if entry.kind is DEFINITIONS:
            self._pin(entry, script)
        renews = entry.kind is SCRIPTS and self._renews(entry, instance)
        was = {} if is_new else self.stored.content(entry.kind, instance)
        is_different = (
            is_new
            or renews
            or bool(entry.broken)
            or any(was[name] != entry.values[name] for name in entry.kind.plain)
            or gets_value
            or _has_other_digest(entry, instance)
            or (entry.kind is DEFINITIONS and (script is None or instance.script_id != script.pk))
            or self.stored.allowed.get(instance.pk, set()) != allowed
            or self.stored.granted.get(instance.pk, set()) != granted
        )
        return Target(entry, instance, is_new, was, is_different, script, allowed, granted, gets_value, renews)

    def _renews(self, entry: Entry, script: Any) -> bool:
        lock = entry.values.get("lock")
        has_other_lock = lock is not None and lock.text != self.stored.locks.get(script.pk)
        return has_other_lock or script.pk in self.versions.new or self.libraries.changes(script)

    def _pin(self, entry: Entry, script: Any) -> None:
        """Replace the number that the files give the version of a definition by the stored or coming one."""
        number = entry.values.get("scriptVersion")
        if number is None or script is None:
            return
        key = VersionKey(script.pk, number)
        version = self.versions.find(key)
        if version is not None:
            entry.values["scriptVersion"] = version.number
            return
        if not self.versions.is_unclear(key):
            rule = "neither the files nor the database has it"
            message = f"unknown version {number} of the script {shown(entry.values['script'])}: {rule}"
            self._faults.add(entry.at("scriptVersion"), message)
        entry.broken.add("scriptVersion")

    def _found(self, kind: DocumentKind, entry: Entry, role: str) -> list[Any]:
        """What a property of a definition or credential refers to."""
        names, known = entry.values.get(role, ()), self._references.get(kind, {})
        names = [names] if isinstance(names, str) else names
        for name in names:
            if name not in known and kind not in self.described.incomplete:
                rule = "it is not in the files, and not exactly one of that name is stored"
                self._faults.add(entry.at(role), f"unknown {kind.noun} {shown(name)}: {rule}")
        return [known[name] for name in names if name in known]


def _unambiguous(instances: Sequence[Any]) -> dict[str, Any]:
    """Stored objects that the files do not describe, by name, if the name says which."""
    names = Counter(map(str, instances))
    return {str(instance): instance for instance in instances if names[str(instance)] == 1}


def _has_other_digest(entry: Entry, token: Any) -> bool:
    digest = entry.values.get("secretDigest")
    return digest is not None and (digest["pepperId"], digest["value"]) != (token.pepper_id, token.secret_digest)
