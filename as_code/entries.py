"""From files to entries, with everything that can be found wrong without the database."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import normalize
from uuid import UUID

from rest_framework.fields import empty

from as_code import files, yaml_format
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind, default_of, read
from as_code.yaml_format import Node
from definitions import routes
from definitions.serializers import default_input_type

LONGEST_SHOWN = 80
MOST_FAULTS = 200

_NO_MAPPING = "must be a mapping (name: value)"


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Fault:
    """Something to correct before the files can be imported."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class RefusedImportError(Exception):
    """An import that changed nothing, with everything that is wrong."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.place))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass
class Faults:
    """What has been found so far."""

    found: list[Fault] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        """Keep a fault; nobody reads more than the first 200."""
        if len(self.found) < MOST_FAULTS:
            self.found.append(Fault(place, message))

    def stop(self) -> None:
        """Refuse the import if there are any faults.

        Raises:
            RefusedImportError: there are.
        """
        if self.found:
            raise RefusedImportError(self.found)


@dataclass
class Entry:
    """An object as a file describes it: values with defaults, and the line of each property that is written down."""

    kind: DocumentKind
    place: Place
    lines: Mapping[str, int]
    values: dict[str, Any] = field(default_factory=dict)
    source_file: str = ""
    broken: set[str] = field(default_factory=set)
    """Properties with a fault; those that cannot be read are not in `values`. Such an entry is checked, not saved."""

    def at(self, name: str) -> Place:
        """Where a property stands; the entry's beginning if it is left out."""
        return Place(self.place.file, self.lines.get(name, self.place.line))

    @property
    def id(self) -> UUID | None:
        wanted = self.values.get("id")
        return UUID(wanted) if wanted else None

    @property
    def title(self) -> str:
        """What people call it: its route or its name."""
        return str(self.values.get("route" if self.kind is DEFINITIONS else "name", ""))

    @property
    def reference(self) -> str:
        """What other entries call it."""
        return str(self.values.get("key") or self.title)

    @property
    def signature(self) -> str:
        """What the route of a definition matches."""
        return routes.signature(routes.parse(self.values["route"]))

    @property
    def is_identified(self) -> bool:
        """Whether it says for certain which object it describes."""
        return self.broken.isdisjoint(self.kind.identity)


@dataclass
class Description:
    """What several files say together."""

    entries: dict[DocumentKind, list[Entry]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    sections: dict[DocumentKind, Place] = field(default_factory=dict)
    """The kinds that have a section, and where."""
    incomplete: set[DocumentKind] = field(default_factory=set)
    """Kinds of which an entry may be missing because it could not be read: what refers to them is not judged."""


def shown(text: str) -> str:
    """A text from a file as messages show it: in quotes, on one line, not too long."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…")


def shown_path(path: Path) -> str:
    """A path that can be printed, whatever its bytes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def read_files(paths: Iterable[Path], faults: Faults) -> Description:
    """Read files that belong together; what is wrong with them goes to `faults`."""
    described = Description()
    for path in paths:
        _FileReader(path, described, faults).read()
    for kind in KINDS:
        _check_duplicates(kind, described.entries[kind], faults)
        if not all(entry.is_identified for entry in described.entries[kind]):
            described.incomplete.add(kind)
    return described


class _FileReader:
    """Reads one file into a description."""

    def __init__(self, path: Path, described: Description, faults: Faults) -> None:
        self._path, self._name, self._described, self._faults = path, shown_path(path), described, faults

    def read(self) -> None:
        try:
            root, faults = yaml_format.read_yaml(files.read_file(self._path))
            self._report_all(faults)
            if root is None:
                self._lose(1, f"the file is empty; it needs {_listed(kind.section for kind in KINDS)}", *KINDS)
            elif not isinstance(root.value, dict):
                self._lose(root.line, _NO_MAPPING, *KINDS)
            else:
                self._read_sections(root.value)
        except files.UnreadableError as error:
            self._lose(1, f"the file {error}", *KINDS)
        except yaml_format.NodeError as error:
            self._report_all(error.faults)
            self._described.incomplete.update(KINDS)

    def _report_all(self, faults: Iterable[yaml_format.Located], prefix: str = "") -> None:
        for line, message in faults:
            self._faults.add(Place(self._name, line), f"{prefix}{message}")

    def _lose(self, line: int, message: str, *kinds: DocumentKind) -> None:
        """A fault that hides entries of these kinds."""
        self._report_all([(line, message)])
        self._described.incomplete.update(kinds)

    def _read_sections(self, sections: Mapping[str, Node]) -> None:
        kinds = {kind.section: kind for kind in KINDS}
        for section, node in sections.items():
            kind = kinds.get(section)
            if kind is None:
                message = f"unknown section {shown(section)}; expected: {_listed(kinds)}"
                self._lose(node.key_line, message, *KINDS)
                continue
            self._described.sections.setdefault(kind, Place(self._name, node.key_line))
            if isinstance(node.value, list):
                self._described.entries[kind] += filter(None, [self._entry(kind, item) for item in node.value])
            else:
                self._lose(node.line, f"{section} must be a list", kind)

    def _entry(self, kind: DocumentKind, node: Node) -> Entry | None:
        if not isinstance(node.value, dict):
            self._lose(node.line, _NO_MAPPING, kind)
            return None
        lines = {name: member.key_line for name, member in node.value.items()}
        # An entry with an unknown property is read on: its other faults are listed, too.
        for name in lines.keys() - kind.properties.keys():
            known = _listed(kind.properties)
            self._report_all([(lines[name], f"unknown property {shown(name)} of a {kind.noun}; expected: {known}")])
        entry = Entry(kind, Place(self._name, node.line), lines)
        for name, one in kind.properties.items():
            try:
                value = read(one, node.value[name]) if name in node.value else default_of(one)
                if value is empty:
                    self._refuse(entry, name, f"the {kind.noun} has no {name}")
                else:
                    entry.values[name] = value
            except yaml_format.NodeError as error:
                self._report_all(error.faults, f"{name} ")
                entry.broken.add(name)
        self._complete(entry)
        return entry

    def _refuse(self, entry: Entry, name: str, message: str) -> None:
        self._faults.add(entry.at(name), message)
        entry.broken.add(name)

    def _complete(self, entry: Entry) -> None:
        if entry.kind is SCRIPTS and "source" in entry.values:
            self._read_source(entry, entry.values.pop("source"))
        if entry.kind is DEFINITIONS:
            if "route" in entry.values:
                # As the model stores it; otherwise every import would find a difference.
                self._check_route(entry, normalize("NFC", entry.values["route"]))
            if "inputType" in entry.values and entry.values["inputType"] is None:
                entry.values["inputType"] = default_input_type(entry.values.get("actionType", ""))
            if not entry.broken.isdisjoint({"actionType", "inputType"}):
                # The rules of these two name the script.
                entry.broken.add("script")

    def _read_source(self, entry: Entry, name: str) -> None:
        try:
            entry.values["source"] = files.read_beside(self._path.parent, name)
            entry.source_file = shown_path(self._path.parent / name)
        except files.UnreadableError as error:
            self._refuse(entry, "source", f"the source {shown(name)} {error}")

    def _check_route(self, entry: Entry, route: str) -> None:
        entry.values["route"] = route
        try:
            routes.parse(route)
        except routes.InvalidRouteError as error:
            self._refuse(entry, "route", f"invalid route {shown(route)}: {error}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _check_duplicates(kind: DocumentKind, entries: Iterable[Entry], faults: Faults) -> None:
    _check_once("id", lambda entry: entry.id, entries, faults)
    if kind is SCRIPTS:
        _check_once("name", lambda entry: entry.title, entries, faults)
    elif kind is TOKENS:
        _check_once("key", lambda entry: entry.reference, entries, faults, " (a token without a key has its name)")
    else:
        _check_once("route", lambda entry: entry.signature, entries, faults, " (it matches the same paths)")


def _check_once(
    name: str, value_of: Callable[[Entry], Any], entries: Iterable[Entry], faults: Faults, hint: str = ""
) -> None:
    first: dict[Any, Entry] = {}
    for entry in entries:
        value = None if name in entry.broken else value_of(entry)
        other = first.setdefault(value, entry) if value else entry
        if other is not entry:
            faults.add(entry.at(name), f"the same {name} as the {entry.kind.noun} at {other.at(name)}{hint}")
            entry.broken.add(name)
