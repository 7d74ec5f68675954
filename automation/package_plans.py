"""What versions need for their packages: requirements, perhaps a lock that is known, and whether all nodes have it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, Q

from automation import build_changes
from automation.builds import Build, BuildState, PackageLock
from automation.given_locks import GivenLock
from automation.locks import digest
from automation.required import is_required
from automation.requirements import Requirements, allowed_names, combined
from automation.source import contents_of
from automation.versions import ScriptKind, ScriptVersion


@dataclass(frozen=True)
class PackagePlan:
    """What a version with packages still needs."""

    needed: Requirements
    lock: PackageLock | None = None
    is_ready: bool = False


def plan(needed: Requirements, before: ScriptVersion | None, *, renews: bool) -> PackagePlan | None:
    """What the next version of a script still needs for its packages; None if it has none.

    With the same ones as the version before, or as the current one, it keeps their lock, unless they are to be resolved
    anew, or scripts may no longer have all of them.
    """
    if not needed:
        return None
    known = None if before is None or renews else _held_build_with(needed, before)
    if known is None or not is_allowed(known.lock):
        return PackagePlan(needed)
    return PackagePlan(needed, known.lock, is_ready=is_everywhere(known))


def plan_with(needed: Requirements, given: GivenLock | None) -> PackagePlan | None:
    """The same for a version that gets this lock, whatever the version before has; without one, it is resolved."""
    if not needed:
        return None
    if given is None:
        return PackagePlan(needed)
    lock = build_changes.stored_lock(needed, given.text, given.packages)
    # Until the commit, no node removes the environment.
    list(Build.objects.filter(lock=lock).order_by("pk").select_for_update().values_list("pk"))
    return PackagePlan(needed, lock, is_ready=is_required(lock.pk))


def gets_other(version: ScriptVersion, needed: Requirements, given: GivenLock | None) -> bool:
    """Whether a version has another lock than this one, or none yet. To resolve anew counts as another one."""
    if given is None:
        return True
    build = held_build(version)
    has = None if build is None or build.lock is None else build.lock.digest
    return has != digest(needed.requires_python, given.text)


def carry_out(planned: PackagePlan, version: ScriptVersion, *, becomes_current: bool = True) -> None:
    """Begin the build of a version that has been stored."""
    build_changes.begin(
        version,
        planned.needed,
        planned.lock,
        is_ready=planned.is_ready,
        becomes_current=becomes_current,
        by=version.created_by,
    )


def held_build(version: ScriptVersion) -> Build | None:
    """The build of a version with its lock; None if it has no packages.

    Its row is locked: until the commit, no node removes an environment that this save begins to rely on.
    """
    rows = Build.objects.select_related("lock").filter(version=version)
    return rows.select_for_update(of=("self",)).first()


def _held_build_with(needed: Requirements, before: ScriptVersion) -> Build | None:
    """That of the version before if it has the same requirements, else that of the current one. It is locked, too."""
    is_current = Q(version__script=before.script_id, version__number=F("version__script__current_version"))
    rows = Build.objects.filter(Q(version=before) | is_current, requirements_digest=needed.digest)
    found = rows.select_related("lock").select_for_update(of=("self",))
    return next(iter(sorted(found, key=lambda build: build.version_id != before.pk)), None)


def is_allowed(lock: PackageLock | None) -> bool:
    """Whether scripts may have all packages of a lock: what they may have can have changed since it was resolved."""
    allowed = allowed_names()
    return lock is None or allowed is None or allowed.issuperset(name for name, _version in lock.packages)


def is_everywhere(build: Build) -> bool:
    """Whether every node that takes triggers has its environment already."""
    return build.state == BuildState.READY and build.lock_id is not None and is_required(build.lock_id)


def requirements_of(kind: str, source: str, used: Mapping[str, ScriptVersion]) -> Requirements:
    """The packages that a script needs, with those of its libraries. A library alone runs nowhere, and needs none.

    Raises:
        automation.requirements.RequirementError: they exclude each other.
    """
    if kind == ScriptKind.LIBRARY:
        return Requirements()
    found = contents_of([source, *(library.source for library in used.values())])
    return combined([each.block for each in found if each.block is not None])
