"""Keeping a version of each change of a script, and going back to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, IntegerField, Max, OuterRef, Subquery, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from automation import build_changes, libraries, package_plans
from automation.given_locks import GivenLock
from automation.package_plans import requirements_of
from automation.requirements import RequirementError, Requirements
from automation.source import ON_API_TRIGGER, RUN, contents, has_entry_point
from automation.versions import LibraryUse, ScriptKind, ScriptVersion, content_hash, content_of

if TYPE_CHECKING:
    from automation.models import AutomationScript


@dataclass(frozen=True)
class _Before:
    """A script's versions before a save: the one whose content it has in memory, and the numbers of the current one, of
    the one that waits for its build, and of the latest.
    """

    version: ScriptVersion | None = None
    current: int | None = None
    pending: int | None = None
    latest: int = 0


@dataclass(frozen=True)
class _Made:
    """A new version with its libraries, and with a plan if it has packages."""

    version: ScriptVersion
    used: Mapping[str, ScriptVersion]
    plan: package_plans.PackagePlan | None


def keep_versions(scripts: Sequence["AutomationScript"]) -> None:
    """Keep a version of each script whose content is not that of its version, and make that current.

    A version with packages becomes current as soon as it is built. The rows of the scripts may not exist yet. Must be
    called in the transaction that saves the scripts.

    Raises:
        automation.libraries.LibraryError: a script needs a library that cannot be resolved.
        automation.requirements.RequirementError: packages of a script and of its libraries exclude each other.
    """
    made: list[_Made] = []
    for script in scripts:
        before = _before(script)
        used = _libraries(script, before.version)
        if _is_new(script, used, before):
            needed = requirements_of(script.kind, script.source, used)
            made.append(_new(script, used, before, needed))
        else:
            _keep(script, before)
        forget_wishes(script)
    _add(made)


def forget_wishes(script: "AutomationScript") -> None:
    """Let the next save make a version in the usual way."""
    script.version_note, script.renews_libraries, script.renews_packages = "", False, False
    script.with_libraries = script.with_lock = script.wanted_version = None


def _new(script: "AutomationScript", used: Mapping[str, ScriptVersion], before: _Before, needed: Requirements) -> _Made:
    """The next version of `script`, which gets its number."""
    number = before.latest + 1
    if script.with_lock is not None:
        plan = package_plans.plan_with(needed, script.with_lock)
    else:
        plan = package_plans.plan(needed, before.version, renews=script.renews_packages)
    is_current = plan is None or plan.is_ready
    script.current_version = number if is_current else before.current
    script.pending_version = None if is_current else number
    if before.pending is not None:
        build_changes.supersede(script.pk, number)
    script.version_change = _change(number, is_first=number == 1, is_current=is_current)
    version = new_version(script.pk, content_of(script), used, script.acting, script.version_note)
    version.number = number
    return _Made(version, used, plan)


def _keep(script: "AutomationScript", before: _Before) -> None:
    """Keep the numbers of a script whose content did not change, or go back to the older version that it has."""
    # Not what the script has in memory: a build may have ended since it was read.
    script.current_version, script.pending_version, script.version_change = before.current, before.pending, ""
    if before.version is None or before.version.number == (before.pending or before.current):
        return
    wanted = before.version.number
    build = package_plans.held_build(before.version)
    is_current = build is None or package_plans.is_everywhere(build)
    if before.pending is not None:
        build_changes.supersede(script.pk, wanted)
    if is_current:
        script.current_version, script.pending_version = wanted, None
    elif build is not None:
        script.pending_version = wanted
        build_changes.again(build, script.acting, becomes_current=True)
    is_first = script._state.adding
    script.version_change = _change(wanted, is_back=not is_first, is_first=is_first, is_current=is_current)


def _add(made: Sequence[_Made]) -> None:
    """Store new versions, each with its libraries and its build."""
    _store([(each.version, each.used) for each in made])
    for each in made:
        if each.plan is not None:
            package_plans.carry_out(each.plan, each.version)


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
    except (libraries.LibraryError, RequirementError):
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


def add_versions(made: Sequence[tuple[ScriptVersion, Mapping[str, ScriptVersion], GivenLock | None]]) -> None:
    """Store versions from elsewhere that have their numbers, each with its libraries and perhaps its lock.

    Those with packages are built, and do not become current.

    Raises:
        automation.requirements.RequirementError: the packages of a version and of its libraries exclude each other.
    """
    _store([(version, used) for version, used, _given in made])
    for version, used, given in made:
        plan = package_plans.plan_with(requirements_of(version.kind, version.source, used), given)
        if plan is not None:
            package_plans.carry_out(plan, version, becomes_current=False)


def _store(made: Sequence[tuple[ScriptVersion, Mapping[str, ScriptVersion]]]) -> None:
    if not made:
        return
    ScriptVersion._base_manager.bulk_create(version for version, _used in made)
    LibraryUse._base_manager.bulk_create(
        LibraryUse(version=version, name=name, number=library.number, library=library)
        for version, used in made
        for name, library in used.items()
    )


def go_back(script: "AutomationScript", version: ScriptVersion) -> None:
    """Give `script`, whose row is locked, the content of one of its versions; saving it makes that version current.

    Raises:
        ValidationError: `InvalidScript`, it was saved with a library that has been deleted.
    """
    libraries.hold_libraries_of(version)
    for column, value in content_of(version).items():
        setattr(script, column, value)
    script.wanted_version = version.number


def keep_stored(script: "AutomationScript", used: Mapping[str, ScriptVersion]) -> None:
    """Keep a version of a stored script as its last save has left it, and note its number in the script."""
    before = _before(script)
    if before.version is not None and not _differs(script, used, before.version):
        return
    try:
        needed = requirements_of(script.kind, script.source, used)
    except RequirementError:
        # The release before does not check them.
        needed = Requirements()
    made = _new(script, used, before, needed)
    made.version.created_by, made.version.created_at = script.last_modified_by, script.last_modified
    made.version.has_api_trigger, made.version.has_run = script.has_api_trigger, script.has_run
    _add([made])


def _before(script: "AutomationScript") -> _Before:
    is_new = script._state.adding
    named = script.wanted_version or script.pending_version or script.current_version
    # An import stores the versions of a new script before its row.
    if is_new and named is None:
        return _Before()
    rows = ScriptVersion.objects.filter(script=script.pk)
    latest = ScriptVersion.objects.filter(script=OuterRef("script")).order_by("-number").values("number")[:1]
    annotated = rows.annotate(
        current=Value(None, IntegerField()) if is_new else F("script__current_version"),
        pending=Value(None, IntegerField()) if is_new else F("script__pending_version"),
        latest=Subquery(latest),
    )
    found = annotated.filter(number=named).first() if named is not None else None
    if found is not None:
        return _Before(found, found.current, found.pending, found.latest)
    return _Before(current=script.current_version, latest=rows.aggregate(latest=Max("number"))["latest"] or 0)


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
    if before.version is None or _differs(script, used, before.version):
        return True
    if not script.renews_packages and script.with_lock is None:
        return False
    needed = requirements_of(script.kind, script.source, used)
    return bool(needed) and package_plans.gets_other(before.version, needed, script.with_lock)


def _differs(script: "AutomationScript", used: Mapping[str, ScriptVersion], current: ScriptVersion) -> bool:
    return content_of(script) != content_of(current) or (bool(used) and used != current.libraries())


def _change(number: int, *, is_back: bool = False, is_first: bool, is_current: bool) -> str:
    """What the event of the save says of the version; nothing for a first one that needs no build."""
    if is_first and is_current:
        return ""
    waits = "" if is_current else ", as soon as it is built"
    return f"back to version {number}{waits}" if is_back else f"version {number}{waits}"
