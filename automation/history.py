"""Keeping a version of each change of a script, and going back to one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, Max, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from automation import libraries
from automation.source import ON_API_TRIGGER, RUN, contents, has_entry_point
from automation.versions import LibraryUse, ScriptKind, ScriptVersion, content_hash, content_of
from objects.changes import refusal

if TYPE_CHECKING:
    from automation.models import AutomationScript


@dataclass(frozen=True)
class _Before:
    """A script's versions before a save: the one it names in memory, and the current and the latest number."""

    version: ScriptVersion | None = None
    current: int | None = None
    latest: int = 0


def keep_versions(scripts: Sequence["AutomationScript"]) -> None:
    """Keep a version of each script whose content is not that of its current version, and make that current.

    The rows of the scripts may not exist yet. Must be called in the transaction that saves the scripts.

    Raises:
        automation.libraries.LibraryError: a script needs a library that cannot be resolved.
    """
    made: list[tuple[ScriptVersion, Mapping[str, ScriptVersion]]] = []
    for script in scripts:
        before = _before(script)
        used = _libraries(script, before.version)
        is_new = _is_new(script, used, before)
        if is_new:
            made.append((_next(script, used, before.latest + 1), used))
            script.current_version = before.latest + 1
        script.version_change = _change(script.current_version, before, is_new=is_new)
        script.version_note, script.renews_libraries, script.with_libraries = "", False, None
    if made:
        add_versions(made)


def resolve_libraries(script: "AutomationScript") -> Mapping[str, ScriptVersion]:
    """The libraries that the next version of `script` is saved with, by name.

    A version with an unchanged source keeps its libraries, unless they are to be renewed.

    Raises:
        automation.libraries.LibraryError: one of them cannot be resolved.
    """
    if script.with_libraries is None and not contents(script.source).libraries:
        return {}
    return _libraries(script, _before(script).version)


def makes_version(script: "AutomationScript") -> bool:
    """Whether saving `script` would make a new version, or fail because of its libraries."""
    before = _before(script)
    try:
        return _is_new(script, _libraries(script, before.version), before)
    except libraries.LibraryError:
        return True


def new_version(
    script_id: UUID, content: Mapping[str, Any], libraries: Mapping[str, ScriptVersion], by: str, note: str = ""
) -> ScriptVersion:
    """A version, still without its number, of this `content` with these `libraries`."""
    return ScriptVersion(
        script_id=script_id,
        content_hash=content_hash(content, {name: library.content_hash for name, library in libraries.items()}),
        created_by=by,
        created_at=timezone.now(),
        note=note,
        has_api_trigger=has_entry_point(content["source"], ON_API_TRIGGER),
        has_run=has_entry_point(content["source"], RUN),
        **content,
    )


def add_versions(made: Iterable[tuple[ScriptVersion, Mapping[str, ScriptVersion]]]) -> None:
    """Store new versions that have their numbers, each with its libraries."""
    found = list(made)
    ScriptVersion._base_manager.bulk_create(version for version, _used in found)
    LibraryUse._base_manager.bulk_create(
        LibraryUse(version=version, name=name, number=library.number, library=library)
        for version, used in found
        for name, library in used.items()
    )


def go_back(script: "AutomationScript", version: ScriptVersion) -> None:
    """Give `script`, whose row is locked, the content of one of its versions; saving it makes that version current.

    Raises:
        ValidationError: `InvalidScript`, it was saved with a library that has been deleted.
    """
    # Nobody may delete one of its libraries before the commit.
    libraries.hold_libraries()
    if missing := [name for name, library in version.libraries().items() if library is None]:
        message = _("A library that it was saved with has been deleted: {}.").format(", ".join(missing))
        raise refusal("InvalidScript", "%(message)s", line=None, message=message)
    for column, value in content_of(version).items():
        setattr(script, column, value)
    script.current_version = version.number


def keep_stored(script: "AutomationScript", used: Mapping[str, ScriptVersion]) -> int:
    """Keep a version of a stored script as its last save has left it; returns the number of its current version."""
    before = _before(script)
    if before.version is not None and not _differs(script, used, before.version):
        return before.version.number
    version = _next(script, used, before.latest + 1)
    version.created_by, version.created_at = script.last_modified_by, script.last_modified
    version.has_api_trigger, version.has_run = script.has_api_trigger, script.has_run
    add_versions([(version, used)])
    return version.number


def _before(script: "AutomationScript") -> _Before:
    is_new = script._state.adding
    # An import stores the versions of a new script before its row.
    if is_new and script.current_version is None:
        return _Before()
    rows = ScriptVersion.objects.filter(script=script.pk)
    latest = ScriptVersion.objects.filter(script=OuterRef("script")).order_by("-number").values("number")[:1]
    current = F("number") if is_new else F("script__current_version")
    annotated = rows.annotate(current=current, latest=Subquery(latest))
    found = annotated.filter(number=script.current_version).first() if script.current_version is not None else None
    if found is not None:
        return _Before(found, found.current, found.latest)
    return _Before(latest=rows.aggregate(latest=Max("number"))["latest"] or 0)


def _libraries(script: "AutomationScript", current: ScriptVersion | None) -> Mapping[str, ScriptVersion]:
    if script.with_libraries is not None:
        return script.with_libraries
    imports = contents(script.source).libraries
    if not imports:
        return {}
    if current is not None and current.source == script.source and not script.renews_libraries:
        recorded = current.libraries()
        if recorded.keys() >= {name for _line, name, _names in imports}:
            return _all_there(recorded, imports[0][0])
    return libraries.resolve(script.source, script.name if script.kind == ScriptKind.LIBRARY else "")


def _all_there(recorded: Mapping[str, ScriptVersion | None], line: int) -> dict[str, ScriptVersion]:
    """The libraries of a version that stays current; another writer may have deleted one since they were looked at."""
    found = {name: library for name, library in recorded.items() if library is not None}
    if missing := recorded.keys() - found.keys():
        raise libraries.LibraryError(line, _("The library {} has been deleted.").format(min(missing)))
    return found


def _is_new(script: "AutomationScript", used: Mapping[str, ScriptVersion], before: _Before) -> bool:
    return before.version is None or _differs(script, used, before.version)


def _differs(script: "AutomationScript", used: Mapping[str, ScriptVersion], current: ScriptVersion) -> bool:
    return content_of(script) != content_of(current) or (bool(used) and used != current.libraries())


def _next(script: "AutomationScript", used: Mapping[str, ScriptVersion], number: int) -> ScriptVersion:
    """An unsaved version of what `script` has in memory."""
    version = new_version(script.pk, content_of(script), used, script.acting, script.version_note)
    version.number = number
    return version


def _change(number: int | None, before: _Before, *, is_new: bool) -> str:
    """What the event of the save says of the version; nothing for the first one and where it is the same."""
    if is_new:
        return f"version {number}" if number != 1 else ""
    return f"back to version {number}" if number != before.current else ""
