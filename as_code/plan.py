"""What an import has to do: which entry is which object, what they refer to, and what differs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from as_code.documents import Entry, Files
from as_code.faults import Faults, Place, shown
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind
from as_code.stored import Stored
from definitions import routes
from objects.authorship import AuthoredModel

References = Mapping[str, AuthoredModel]


@dataclass(frozen=True)
class Target:
    """An entry and the object that it describes; for a definition also what it refers to."""

    entry: Entry
    instance: Any
    is_new: bool
    was: Mapping[str, Any]
    """Its plain properties before the import."""
    is_different: bool
    script: AuthoredModel | None = None
    allowed_tokens: frozenset[UUID] = frozenset()

    @property
    def kind(self) -> DocumentKind:
        """The kind of object."""
        return self.entry.kind

    @property
    def changes_source(self) -> bool:
        """Whether a stored script gets another source."""
        return self.kind is SCRIPTS and not self.is_new and self.was["source"] != self.entry.values["source"]


@dataclass
class Plan:
    """The targets of every kind, and the objects that no entry describes."""

    targets: dict[str, list[Target]] = field(default_factory=dict)
    unnamed: dict[str, list[AuthoredModel]] = field(default_factory=dict)

    def changes(self, kind: DocumentKind) -> list[Target]:
        """What is to be saved."""
        return [target for target in self.targets[kind.section] if target.is_different]


def make(files: Files, stored: Stored, faults: Faults) -> Plan:
    """Compare the files with what is stored; what does not fit together goes to `faults`."""
    plan = Plan()
    references: dict[str, References] = {}
    for kind in KINDS:
        matched = _match(kind, files.of(kind), stored.of(kind), faults)
        taken = {instance.pk for _, instance in matched}
        plan.unnamed[kind.section] = [one for one in stored.of(kind) if one.pk not in taken]
        if kind is DEFINITIONS:
            wired = _Wiring(references, stored, faults)
            plan.targets[kind.section] = [target for one in matched for target in wired.targets(*one)]
        else:
            plan.targets[kind.section] = [_target(entry, instance) for entry, instance in matched]
            named = {entry.reference: instance for entry, instance in matched}
            references[kind.section] = _unambiguous(plan.unnamed[kind.section]) | named
    return plan


def _match(
    kind: DocumentKind, entries: Sequence[Entry], stored: Sequence[AuthoredModel], faults: Faults
) -> list[tuple[Entry, AuthoredModel]]:
    """Each entry with its object: that of its id, else that of its name or route, else a new one."""
    by_id = {instance.pk: instance for instance in stored}
    claimed = {entry.values["id"] for entry in entries}
    by_name: dict[str, list[AuthoredModel]] = {}
    for instance in stored:
        if instance.pk not in claimed:
            by_name.setdefault(_natural_key(kind, instance), []).append(instance)
    matched = []
    for entry in entries:
        wanted = entry.values["id"]
        found = [by_id[wanted]] if wanted in by_id else [] if wanted else by_name.pop(_wanted_key(entry), [])
        if len(found) > 1:
            ids = ", ".join(str(one.pk) for one in found)
            faults.add(entry.at("name"), f"several tokens have the name {shown(entry.title)}: add the id ({ids})")
            continue
        matched.append((entry, found[0] if found else _new(kind, wanted)))
    return matched


def _new(kind: DocumentKind, wanted: UUID | None) -> AuthoredModel:
    return kind.model(id=wanted) if wanted else kind.model()


def _natural_key(kind: DocumentKind, instance: Any) -> str:
    return str(instance.signature if kind is DEFINITIONS else instance.name)


def _wanted_key(entry: Entry) -> str:
    if entry.kind is DEFINITIONS:
        return routes.signature(routes.parse(entry.values["route"]))
    return str(entry.values["name"])


def _unambiguous(instances: Sequence[AuthoredModel]) -> dict[str, AuthoredModel]:
    """Stored objects that the files do not describe, by name, where the name says which."""
    count = Counter(map(str, instances))
    return {str(instance): instance for instance in instances if count[str(instance)] == 1}


def _target(entry: Entry, instance: Any) -> Target:
    was = entry.kind.content(instance)
    differs = any(was[one.name] != entry.values[one.name] for one in entry.kind.plain)
    digest = entry.values.get("secretDigest")
    if digest is not None and (digest["pepperId"], digest["value"]) != (instance.pepper_id, instance.secret_digest):
        differs = True
    is_new = instance._state.adding
    return Target(entry, instance, is_new, {} if is_new else was, is_new or differs)


class _Wiring:
    """Definitions refer to scripts and tokens: those of the files first, then stored ones."""

    def __init__(self, references: Mapping[str, References], stored: Stored, faults: Faults) -> None:
        self._scripts, self._tokens = references[SCRIPTS.section], references[TOKENS.section]
        self._stored, self._faults = stored, faults

    def targets(self, entry: Entry, instance: Any) -> Iterator[Target]:
        """One target, none when the entry refers to what is not there."""
        faults_before = len(self._faults.found)
        script = self._find(self._scripts, entry.values["script"], SCRIPTS, entry.at("script"))
        place = entry.at("allowedTokens")
        found = [self._find(self._tokens, name, TOKENS, place) for name in entry.values["allowedTokens"]]
        if len(self._faults.found) > faults_before:
            return
        allowed = frozenset(token.pk for token in found if token is not None)
        plain = _target(entry, instance)
        differs = (
            plain.is_different
            or script is None
            or instance.script_id != script.pk
            or self._stored.allowed.get(instance.pk, frozenset()) != allowed
        )
        yield Target(entry, instance, plain.is_new, plain.was, differs, script, allowed)

    def _find(self, known: References, name: str, kind: DocumentKind, place: Place) -> AuthoredModel | None:
        if name not in known:
            rule = "it is not in the files, and not exactly one of that name is stored"
            self._faults.add(place, f"unknown {kind.noun} {shown(name)}: {rule}")
        return known.get(name)
