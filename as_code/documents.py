"""From files to entries: everything that can be said about them without a look at the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import normalize

import yaml

from as_code import nodes, reading
from as_code.faults import Faults, Place, shown, shown_path
from as_code.kinds import DEFINITIONS, KINDS, REQUIRED, SCRIPTS, TOKENS, DocumentKind, default_input_type
from automation.source import contents_of
from definitions import routes


@dataclass(frozen=True)
class Entry:
    """An object as a file describes it: its properties, complete, and the line of each that is written down."""

    kind: DocumentKind
    place: Place
    values: dict[str, Any]
    lines: dict[str, int]
    source_file: str = ""

    def at(self, name: str) -> Place:
        """Where a property stands; the entry's beginning when it is left out."""
        return Place(self.place.file, self.lines.get(name, self.place.line))

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.values["route" if self.kind is DEFINITIONS else "name"])

    @property
    def reference(self) -> str:
        """What other entries call it."""
        return str(self.values.get("key") or self.title)


@dataclass
class Files:
    """What several files describe together."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: {kind.section: [] for kind in KINDS})
    sections: dict[str, Place] = field(default_factory=dict)
    """The kinds of which the files speak at all, and where."""

    def of(self, kind: DocumentKind) -> Sequence[Entry]:
        """The entries of one kind."""
        return self.entries[kind.section]


def read_files(paths: Iterable[Path]) -> Files:
    """Read files that belong together.

    Raises:
        RefusedImportError: anything is wrong with them.
    """
    faults, files = Faults(), Files()
    for path in paths:
        _File(path, faults).read_into(files)
    files.entries[SCRIPTS.section] = _compiled(files.of(SCRIPTS), faults)
    _check_duplicates(files, faults)
    faults.stop()
    return files


class _File:
    def __init__(self, path: Path, faults: Faults) -> None:
        self._path, self._name, self._faults = path, shown_path(path), faults

    def read_into(self, files: Files) -> None:
        try:
            text = reading.read_file(self._path)
        except reading.UnreadableError as error:
            self._report(1, f"the file {error}")
            return
        faults_before = len(self._faults.found)
        root = nodes.compose(text, self._report)
        if root is not None:
            self._read_sections(root, files)
        elif len(self._faults.found) == faults_before:
            self._report(1, f"the file is empty: it needs {_one_of(kind.section for kind in KINDS)}")

    def _report(self, line: int, message: str) -> None:
        self._faults.add(Place(self._name, line), message)

    def _read_sections(self, root: yaml.Node, files: Files) -> None:
        kinds = {kind.section: kind for kind in KINDS}
        for section, (key, node) in self._members(root).items():
            if section not in kinds:
                self._report(nodes.line_of(key), f"unknown section {shown(section)}: known are {_one_of(kinds)}")
                continue
            files.sections.setdefault(section, Place(self._name, nodes.line_of(key)))
            entries = (self._entry(kinds[section], item) for item in self._items(section, node))
            files.entries[section] += [entry for entry in entries if entry is not None]

    def _members(self, node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        try:
            return nodes.members(node, self._report)
        except nodes.NodeError as error:
            self._report(error.line, str(error))
            return {}

    def _items(self, section: str, node: yaml.Node) -> list[yaml.Node]:
        try:
            return nodes.items(node)
        except nodes.NodeError as error:
            self._report(error.line, f"{section} {error}")
            return []

    def _entry(self, kind: DocumentKind, node: yaml.Node) -> Entry | None:
        """None when something is wrong with it."""
        faults_before = len(self._faults.found)
        written = self._members(node)
        for name, (key, _) in written.items():
            if name not in kind.by_name:
                known = _one_of(kind.by_name)
                self._report(nodes.line_of(key), f"unknown property {shown(name)} of a {kind.noun}: known are {known}")
        values = {name: self._value(kind, name, written, node) for name in kind.by_name}
        if len(self._faults.found) > faults_before:
            return None
        lines = {name: nodes.line_of(key) for name, (key, _) in written.items()}
        return self._finished(Entry(kind, Place(self._name, nodes.line_of(node)), values, lines))

    def _value(self, kind: DocumentKind, name: str, written: dict[str, Any], entry: yaml.Node) -> Any:
        one = kind.by_name[name]
        if name not in written:
            if one.default is REQUIRED and isinstance(entry, yaml.MappingNode):
                self._report(nodes.line_of(entry), f"the {kind.noun} has no {name}")
            return one.default
        try:
            return one.read(written[name][1])
        except nodes.NodeError as error:
            self._report(error.line, f"{name} {error}")
            return one.default

    def _finished(self, entry: Entry) -> Entry | None:
        if entry.kind is SCRIPTS:
            return self._with_source(entry)
        if entry.kind is DEFINITIONS:
            entry.values["route"] = normalize("NFC", entry.values["route"])
            if entry.values["inputType"] is None:
                entry.values["inputType"] = default_input_type(entry.values["actionType"])
            return entry if self._route_is_valid(entry) else None
        return entry

    def _with_source(self, entry: Entry) -> Entry | None:
        name = entry.values["source"]
        try:
            source = reading.read_beside(self._path.parent, name)
        except reading.UnreadableError as error:
            self._report(entry.at("source").line, f"the source {shown(name)} {error}")
            return None
        source_file = shown_path(self._path.parent / name)
        return Entry(entry.kind, entry.place, entry.values | {"source": source}, entry.lines, source_file)

    def _route_is_valid(self, entry: Entry) -> bool:
        try:
            routes.parse(entry.values["route"])
        except routes.InvalidRouteError as error:
            self._report(entry.at("route").line, f"invalid route {shown(entry.values['route'])}: {error}")
            return False
        return True


def _compiled(entries: Sequence[Entry], faults: Faults) -> list[Entry]:
    """The entries whose scripts compile; the others become faults."""
    compiled = []
    for entry, found in zip(entries, contents_of([entry.values["source"] for entry in entries]), strict=True):
        if found.error is None:
            compiled.append(entry)
        else:
            place = Place(entry.source_file, found.error.line or 1)
            faults.add(place, f"the script does not compile: {found.error.message}")
    return compiled


def _one_of(names: Iterable[str]) -> str:
    return ", ".join(names)


def _check_duplicates(files: Files, faults: Faults) -> None:
    for kind in KINDS:
        with_id = [entry for entry in files.of(kind) if entry.values["id"]]
        _once(with_id, lambda entry: entry.values["id"], "id", faults)
    _once(files.of(SCRIPTS), lambda entry: entry.values["name"], "name", faults)
    _once(files.of(TOKENS), lambda entry: entry.reference, "key", faults, " (a token without a key has its name)")
    _once(files.of(DEFINITIONS), _signature, "route", faults, " (it matches the same paths)")


def _signature(entry: Entry) -> str:
    return routes.signature(routes.parse(entry.values["route"]))


def _once(entries: Sequence[Entry], of: Any, name: str, faults: Faults, hint: str = "") -> None:
    first: dict[Any, Entry] = {}
    for entry in entries:
        other = first.setdefault(of(entry), entry)
        if other is not entry:
            faults.add(entry.at(name), f"the same {name} as the {entry.kind.noun} at {other.at(name)}{hint}")
