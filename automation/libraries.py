"""Which libraries a source needs, found by reading its imports and those of the libraries themselves."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.utils.translation import gettext as _

from automation.source import Contents, contents, contents_of
from automation.versions import ScriptKind, ScriptVersion
from objects.changes import refusal

MOST_LIBRARIES: Final = 100
"""How many libraries a version can use, directly and through others; however deep."""

MOST_BYTES: Final = 4 * 1024 * 1024
"""How large their sources can be, together."""

Find = Callable[[Collection[str]], Mapping[str, ScriptVersion]]
"""Finds libraries by name, and leaves out unknown ones."""

# PostgreSQL's advisory lock: two saves could otherwise make two libraries import each other.
_LOCK: Final = 0x75646170_6C696273


class LibraryError(Exception):
    """An import of a library that cannot be resolved; `line` is that of the source whose import leads there."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass(frozen=True)
class _Way:
    """The way to an import: `line` in the source that is resolved, then from library to library."""

    line: int
    path: tuple[str, ...]
    names: Sequence[str]

    @property
    def library(self) -> str:
        return self.path[-1]

    def said_by(self) -> str:
        """The library that has the import, for messages; empty for the source itself."""
        return self.path[-2] if len(self.path) > 1 else ""


def hold_libraries() -> None:
    """Until the commit, let nobody else save or delete libraries, scripts that import some, or pins of such scripts.

    Rows of scripts are locked before this, never after. SQLite locks the database at BEGIN.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def hold_libraries_of(version: ScriptVersion) -> None:
    """The same, for a version that is about to run: all its libraries are there until the commit.

    Raises:
        ValidationError: `InvalidScript`, it was saved with a library that has been deleted.
    """
    hold_libraries()
    if missing := [name for name, library in version.libraries().items() if library is None]:
        message = _("A library that it was saved with has been deleted: {}.").format(", ".join(missing))
        raise refusal("InvalidScript", "%(message)s", line=None, message=message)


def hold_stored_libraries(script_ids: Collection[UUID]) -> None:
    """The same, but only if one of these scripts is stored as a library."""
    if script_ids and connection.vendor == "postgresql":
        is_library = "FROM automation_automationscript WHERE id = ANY(%s) AND kind = %s LIMIT 1"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT pg_advisory_xact_lock(%s) {is_library}", (_LOCK, list(script_ids), ScriptKind.LIBRARY.value)
            )


def current_libraries(names: Collection[str]) -> Mapping[str, ScriptVersion]:
    """The current versions of these libraries."""
    rows = ScriptVersion.objects.filter(
        script__name__in=list(names), number=F("script__current_version"), kind=ScriptKind.LIBRARY
    )
    return {version.script.name: version for version in rows.select_related("script").defer("script__source")}


def resolve(source: str, own_name: str, find: Find = current_libraries) -> dict[str, ScriptVersion]:
    """The libraries that `source` imports, directly and through others: by name, in the versions that `find` returns.

    `own_name` is the name of the library that `source` belongs to; empty for a script.

    Raises:
        LibraryError: an unknown library, an unknown name in one, a cycle, or too many of them.
    """
    found: dict[str, ScriptVersion] = {}
    known: dict[str, Contents] = {}
    direct = [_Way(line, (name,), names) for line, name, names in contents(source).libraries]
    pending = direct
    while pending:
        _refuse_cycle(pending, own_name)
        new = find({each.library for each in pending} - found.keys())
        found |= new
        known |= dict(zip(new, contents_of([version.source for version in new.values()]), strict=True))
        for each in pending:
            _check(each, known)
        _check_size(pending[0].line, found.values())
        # Each library is followed once, on the first way that leads to it.
        firsts = {each.library: each for each in reversed(pending) if each.library in new}
        pending = [
            _Way(first.line, (*first.path, name), names)
            for library, first in firsts.items()
            for _line, name, names in known[library].libraries
        ]
    _refuse_any_cycle(direct[0].line if direct else 1, known)
    return dict(sorted(found.items()))


def users_of(library_id: UUID) -> list[str]:
    """The names of the scripts whose current version, or the one that waits for its build, uses the library, in
    whatever version.
    """
    runs = Q(number=F("script__current_version")) | Q(number=F("script__pending_version"))
    users = ScriptVersion.objects.filter(runs, library_uses__library__script=library_id)
    return sorted(set(users.values_list("script__name", flat=True)))


def _refuse_cycle(imports: Iterable[_Way], own_name: str) -> None:
    for each in imports:
        if own_name and each.library == own_name:
            way = " → ".join((own_name, *each.path))
            raise LibraryError(each.line, _("The libraries import each other: {}.").format(way))


def _refuse_any_cycle(line: int, known: Mapping[str, Contents]) -> None:
    """The libraries may import each other since one of them went back to an older version."""
    imports = {library: [name for _line, name, _names in contents.libraries] for library, contents in known.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        way = " → ".join(reversed(error.args[1]))
        raise LibraryError(line, _("The libraries import each other: {}.").format(way)) from error


def _check(wanted: _Way, known: Mapping[str, Contents]) -> None:
    by = _(" (imported by the library {})").format(wanted.said_by()) if wanted.said_by() else ""
    library = known.get(wanted.library)
    if library is None:
        raise LibraryError(wanted.line, _("There is no library {}{}.").format(wanted.library, by))
    missing = [] if library.names is None else sorted(set(wanted.names).difference(library.names))
    if missing:
        raise LibraryError(wanted.line, _("The library {} has no {}{}.").format(wanted.library, missing[0], by))


def _check_size(line: int, libraries: Iterable[ScriptVersion]) -> None:
    sizes = [len(version.source.encode()) for version in libraries]
    if len(sizes) > MOST_LIBRARIES or sum(sizes) > MOST_BYTES:
        rule = _("A version can use at most {} libraries, of {} MB together.")
        raise LibraryError(line, rule.format(MOST_LIBRARIES, MOST_BYTES // 1024**2))
