"""From files to entries, with everything that can be found wrong without the database."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize
from uuid import UUID

from rest_framework.fields import empty

from as_code import files, yaml_format
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, VERSIONS, DocumentKind, read
from as_code.yaml_format import NodeError, YamlNode
from automation.given_locks import GivenLock
from automation.locks import LockError
from definitions import routes
from definitions.serializers import default_input_type

LONGEST_SHOWN = 80
MOST_FAULTS = 200


class FilePosition(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Fault(NamedTuple):
    """Something to correct before the files can be imported."""

    position: FilePosition
    message: str

    def __str__(self) -> str:
        return f"{self.position}: {self.message}"


class RefusedImportError(Exception):
    """An import that changed nothing, with everything that is wrong."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.position))
        super().__init__("\n".join(map(str, self.faults)))


class Faults(list[Fault]):
    """The faults found so far."""

    def add(self, position: FilePosition, message: str) -> None:
        """Keep a fault; nobody reads more than the first 200."""
        if len(self) < MOST_FAULTS:
            self.append(Fault(position, message))

    def stop(self) -> None:
        """Refuse the import if there are any faults.

        Raises:
            RefusedImportError: there are.
        """
        if self:
            raise RefusedImportError(self)


@dataclass
class Entry:
    """An object as a file describes it: values with defaults, and the line of each property that is written down."""

    kind: DocumentKind
    position: FilePosition
    lines: Mapping[str, int]
    values: dict[str, Any] = field(default_factory=dict)
    signature: str = ""
    """The name; of a definition, what its route matches."""
    source_file: str = ""
    secret: str | None = field(default=None, repr=False)
    """The value of a credential, which is not in these files."""
    broken: set[str] = field(default_factory=set)
    """Properties with a fault; those that cannot be read are not in `values`. Such an entry is checked, not saved."""

    def at(self, name: str) -> FilePosition:
        """Where a property stands; the entry's beginning if it is left out."""
        return FilePosition(self.position.file, self.lines.get(name, self.position.line))

    @cached_property
    def id(self) -> UUID | None:
        return UUID(self.values["id"]) if self.values.get("id") else None

    @property
    def title(self) -> str:
        """What people call it: its route, its number or its name."""
        return str(self.values.get({DEFINITIONS: "route", VERSIONS: "number"}.get(self.kind, "name"), ""))

    @property
    def reference(self) -> str:
        """What other entries call it; of a definition, its signature."""
        return str(self.values.get("key") or self.signature)

    @property
    def is_identified(self) -> bool:
        """Whether it says for certain which object it describes."""
        return self.broken.isdisjoint(self.kind.identity)


@dataclass
class Description:
    """What several files say together."""

    entries: dict[DocumentKind, list[Entry]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    sections: dict[DocumentKind, FilePosition] = field(default_factory=dict)
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
        _check_once("id", attrgetter("id"), described.entries[kind], faults)
        _check_once(kind.identity[-1], attrgetter("reference"), described.entries[kind], faults)
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
            self._report(faults)
            if root is None:
                raise NodeError((1, f"the file is empty; it needs {', '.join(kind.section for kind in KINDS)}"))
            for section, node in _members(root).items():
                self._read_section(section, node)
        except files.UnreadableError as error:
            self._lose([(1, f"the file {error}")], *KINDS)
        except NodeError as error:
            self._lose(error.args, *KINDS)

    def _report(self, faults: Iterable[yaml_format.Located], prefix: str = "") -> None:
        for line, message in faults:
            self._faults.add(FilePosition(self._name, line), f"{prefix}{message}")

    def _lose(self, faults: Iterable[yaml_format.Located], *kinds: DocumentKind) -> None:
        """Report faults that hide entries of these kinds."""
        self._report(faults)
        self._described.incomplete.update(kinds)

    def _read_section(self, section: str, node: YamlNode) -> None:
        kinds = {kind.section: kind for kind in KINDS}
        kind = kinds.get(section)
        if kind is None:
            message = f"unknown section {shown(section)}; expected: {', '.join(kinds)}"
            self._lose([(node.key_line, message)], *KINDS)
            return
        self._described.sections.setdefault(kind, FilePosition(self._name, node.key_line))
        if not isinstance(node.value, list):
            self._lose([(node.line, f"{section} must be a list")], kind)
            return
        for item in node.value:
            try:
                self._described.entries[kind].append(self._entry(kind, item.line, _members(item)))
            except NodeError as error:
                self._lose(error.args, kind)

    def _entry(self, kind: DocumentKind, line: int, members: Mapping[str, YamlNode]) -> Entry:
        entry = Entry(kind, FilePosition(self._name, line), {name: member.key_line for name, member in members.items()})
        # An entry with an unknown property is read on: its other faults are listed, too.
        for name in members.keys() - kind.properties.keys():
            known = ", ".join(kind.properties)
            self._faults.add(entry.at(name), f"unknown property {shown(name)} of a {kind.noun}; expected: {known}")
        for name, default in kind.defaults.items():
            try:
                entry.values[name] = self._read(kind, name, members[name]) if name in members else default
            except NodeError as error:
                self._report(error.args, f"{name} ")
                entry.broken.add(name)
            if entry.values.get(name) is empty:
                del entry.values[name]
                self._refuse(entry, name, f"the {kind.noun} has no {name}")
        self._complete(entry)
        return entry

    def _read(self, kind: DocumentKind, name: str, node: YamlNode) -> Any:
        if (kind, name) != (SCRIPTS, VERSIONS.section) or not isinstance(node.value, list):
            return read(kind.properties[name], node)
        versions = [self._entry(VERSIONS, item.line, _members(item)) for item in node.value]
        _check_once("number", attrgetter("title"), versions, self._faults)
        return versions

    def _refuse(self, entry: Entry, name: str, message: str) -> None:
        self._faults.add(entry.at(name), message)
        entry.broken.add(name)

    def _complete(self, entry: Entry) -> None:
        values = entry.values
        entry.signature = entry.title
        if entry.kind in (SCRIPTS, VERSIONS) and "source" in values:
            self._read_source(entry, values.pop("source"))
        if values.get("lock") is not None:
            self._read_lock(entry, values.pop("lock"))
        if entry.kind is DEFINITIONS:
            if "route" in values:
                self._read_route(entry)
            if "inputType" in values and values["inputType"] is None:
                values["inputType"] = default_input_type(values.get("actionType", ""))
            if not entry.broken.isdisjoint({"actionType", "inputType"}):
                # The rules of these two name the script.
                entry.broken.add("script")

    def _read_source(self, entry: Entry, name: str) -> None:
        try:
            entry.values["source"] = files.read_beside(self._path.parent, name)
            entry.source_file = shown_path(self._path.parent / name)
        except files.UnreadableError as error:
            self._refuse(entry, "source", f"the source {shown(name)} {error}")

    def _read_lock(self, entry: Entry, name: str) -> None:
        try:
            entry.values["lock"] = GivenLock.read(files.read_beside(self._path.parent, name, files.LOCK_SUFFIX))
        except files.UnreadableError as error:
            self._refuse(entry, "lock", f"the lock {shown(name)} {error}")
        except LockError as error:
            self._refuse(entry, "lock", f"the lock {shown(name)} cannot be used: {error.message}")

    def _read_route(self, entry: Entry) -> None:
        # As the model stores it; otherwise every import would find a difference.
        route = entry.values["route"] = normalize("NFC", entry.values["route"])
        try:
            entry.signature = routes.signature(routes.parse(route))
        except routes.InvalidRouteError as error:
            self._refuse(entry, "route", f"invalid route {shown(route)}: {error}")


def _members(node: YamlNode) -> Mapping[str, YamlNode]:
    if not isinstance(node.value, dict):
        raise NodeError((node.line, "must be a mapping (name: value)"))
    return node.value


_HINTS = {"key": " (a token without a key has its name)", "route": " (it matches the same paths)"}


def _check_once(name: str, value_of: Callable[[Entry], Any], entries: Iterable[Entry], faults: Faults) -> None:
    first: dict[Any, Entry] = {}
    for entry in entries:
        value = None if name in entry.broken else value_of(entry)
        other = first.setdefault(value, entry) if value else entry
        if other is not entry:
            message = f"the same {name} as the {entry.kind.noun} at {other.at(name)}{_HINTS.get(name, '')}"
            faults.add(entry.at(name), message)
            entry.broken.add(name)
