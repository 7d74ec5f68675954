"""Keeping a version of each change of a script, and going back to one."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F, Max, Q
from django.utils import timezone

from automation import libraries
from automation.source import ON_API_TRIGGER, RUN, contents, has_entry_point
from automation.versions import LibraryUse, ScriptKind, ScriptVersion, content_hash, content_of

if TYPE_CHECKING:
    from automation.models import AutomationScript


class MissingLibraryError(Exception):
    """A version cannot become current: a library that it was saved with has been deleted."""


def keep_versions(scripts: Sequence["AutomationScript"]) -> None:
    """Keep a version of each script whose content is not that of its current version, and make that current.

    The rows of the scripts may not exist yet: the database checks the reference at the commit. Must be called in the
    transaction that saves the scripts.

    Raises:
        automation.libraries.LibraryError: a script needs a library that cannot be resolved.
    """
    current = _current(scripts)
    found = {script.pk: _next(script, current.get(script.pk)) for script in scripts}
    if made := [each for each in found.values() if each is not None]:
        _store(made)
    for script in scripts:
        new = found[script.pk]
        if new is not None:
            script.current_version = new[0].number
        script.version_change = _change(new and new[0], current.get(script.pk))


def resolve_libraries(script: "AutomationScript") -> Mapping[str, ScriptVersion]:
    """The libraries that the next version of `script` is saved with, by name.

    A version with an unchanged source keeps its libraries, unless they are to be renewed.

    Raises:
        automation.libraries.LibraryError: one of them cannot be resolved.
    """
    return _libraries(script, _current([script]).get(script.pk))


def makes_version(script: "AutomationScript") -> bool:
    """Whether saving `script` would make a new version, or fail because of its libraries."""
    try:
        return _next(script, _current([script]).get(script.pk)) is not None
    except libraries.LibraryError:
        return True


def go_back(script: "AutomationScript", version: ScriptVersion) -> None:
    """Give `script`, whose row is locked, the content of one of its versions; saving it makes that version current.

    Raises:
        MissingLibraryError: it was saved with a library that has been deleted.
    """
    # Nobody may delete one of its libraries before the commit.
    libraries.hold_libraries()
    used = version.libraries()
    if missing := [name for name, library in used.items() if library is None]:
        raise MissingLibraryError(", ".join(missing))
    for column, value in content_of(version).items():
        setattr(script, column, value)
    script.current_version = version.number


def _libraries(script: "AutomationScript", current: ScriptVersion | None) -> Mapping[str, ScriptVersion]:
    if script.with_libraries is not None:
        return script.with_libraries
    if not contents(script.source).libraries:
        return {}
    if current is not None and current.source == script.source and not script.renews_libraries:
        return _recorded(current)
    return libraries.resolve(script.source, script.name if script.kind == ScriptKind.LIBRARY else "")


def _recorded(version: ScriptVersion) -> dict[str, ScriptVersion]:
    return {name: library for name, library in version.libraries().items() if library is not None}


def _current(scripts: Iterable["AutomationScript"]) -> dict[UUID, ScriptVersion]:
    """The version that each script in memory names as its current one, with the number in the database."""
    named = [
        Q(script=script.pk, number=script.current_version)
        for script in scripts
        if not script._state.adding and script.current_version is not None
    ]
    if not named:
        return {}
    rows = ScriptVersion.objects.filter(reduce(or_, named)).annotate(stored_number=F("script__current_version"))
    return {version.script_id: version for version in rows}


def _next(
    script: "AutomationScript", current: ScriptVersion | None
) -> tuple[ScriptVersion, Mapping[str, ScriptVersion]] | None:
    """A version of what `script` has in memory, still without its number, and its libraries; None for the current."""
    used, content = _libraries(script, current), content_of(script)
    if current is not None and content == content_of(current) and (not used or used == _recorded(current)):
        return None
    return ScriptVersion(
        script_id=script.pk,
        content_hash=content_hash(content, {name: library.content_hash for name, library in used.items()}),
        created_by=script.acting,
        created_at=timezone.now(),
        note=script.version_note,
        has_api_trigger=has_entry_point(script.source, ON_API_TRIGGER),
        has_run=has_entry_point(script.source, RUN),
        **content,
    ), used


def _store(made: Sequence[tuple[ScriptVersion, Mapping[str, ScriptVersion]]]) -> None:
    versions = [version for version, _ in made]
    latest = ScriptVersion.objects.filter(script__in=[version.script_id for version in versions]).order_by()
    numbers = dict(latest.values_list("script").annotate(Max("number")))
    for version in versions:
        version.number = numbers.get(version.script_id, 0) + 1
    ScriptVersion._base_manager.bulk_create(versions)
    LibraryUse._base_manager.bulk_create(
        LibraryUse(version=version, name=name, number=library.number, library=library)
        for version, used in made
        for name, library in used.items()
    )


def _change(made: ScriptVersion | None, current: ScriptVersion | None) -> str:
    """What the event of the save says of the version; nothing for the first one and where it is the same."""
    if made is not None:
        return f"version {made.number}" if made.number > 1 else ""
    number = getattr(current, "stored_number", None)
    return f"back to version {current.number}" if current is not None and number != current.number else ""
