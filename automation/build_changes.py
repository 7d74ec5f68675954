"""How builds begin and go on. How they end is in `automation/build_ends.py`."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from automation.builds import LONGEST_LOG, Build, BuildState, NodeEnvironment, PackageLock
from automation.locks import LockedPackage, digest
from automation.required import pinned
from automation.requirements import Requirements
from automation.versions import ScriptVersion


def begin(
    version: ScriptVersion | None,
    needed: Requirements,
    lock: PackageLock | None,
    *,
    by: str,
    is_ready: bool,
    becomes_current: bool = True,
) -> Build:
    """Store the build of a new version, or of a trial; one that `is_ready` needs nothing but its row."""
    now = timezone.now()
    _forget_failures(lock)
    return Build.objects.create(
        version=version,
        requirements=needed.to_json(),
        requirements_digest=needed.digest,
        lock=lock,
        state=BuildState.READY if is_ready else BuildState.BUILDING,
        becomes_current=becomes_current and version is not None and not is_ready,
        started_by=by,
        started_at=now,
        ended_at=now if is_ready else None,
    )


def again(build: Build, by: str, *, becomes_current: bool) -> None:
    """Build once more, with the lock that it has. The row of its script must be locked."""
    _forget_failures(build.lock)
    Build.objects.filter(pk=build.pk).update(
        state=BuildState.BUILDING,
        message="",
        line=None,
        becomes_current=becomes_current,
        started_by=by,
        started_at=timezone.now(),
        ended_at=None,
    )


def supersede(script_id: UUID, number: int) -> None:
    """Version `number` was saved meanwhile: no other one becomes current any more.

    What was built for that is built no further, unless an API is pinned to it.
    """
    others = Build.objects.filter(version__script=script_id, becomes_current=True).exclude(version__number=number)
    message = _("Version {} took its place before it was ready.").format(number)
    going_on = others.filter(state=BuildState.BUILDING).exclude(pinned())
    going_on.update(state=BuildState.FAILED, message=message, ended_at=timezone.now(), becomes_current=False)
    others.update(becomes_current=False)


def resolved(build_id: int, needed: Requirements, text: str, packages: Sequence[LockedPackage]) -> None:
    """Store what the requirements of a build resolve to, unless it has ended or another node was faster."""
    lock = stored_lock(needed, text, packages)
    _forget_failures(lock)
    Build.objects.filter(pk=build_id, lock=None, state=BuildState.BUILDING).update(lock=lock)


def stored_lock(needed: Requirements, text: str, packages: Sequence[LockedPackage]) -> PackageLock:
    """The row of a lock, which is added unless it is there."""
    named = {
        "requires_python": needed.requires_python,
        "packages": [[package.name, package.version] for package in packages],
        "text": text,
    }
    lock, _made = PackageLock.objects.get_or_create(digest=digest(needed.requires_python, text), defaults=named)
    return lock


def _forget_failures(lock: PackageLock | None) -> None:
    """Let nodes that could not build a lock try again."""
    if lock is not None:
        NodeEnvironment.objects.filter(lock=lock, state=BuildState.FAILED).delete()


def append_log(build_id: int, lines: Sequence[str]) -> None:
    """Add lines to the log of resolving."""
    log = Build.objects.filter(pk=build_id).values_list("log", flat=True).first()
    if log is not None:
        Build.objects.filter(pk=build_id).update(log=cut_log("".join([log, *(f"{line}\n" for line in lines)])))


def cut_log(text: str) -> str:
    """The last lines of a log that is too long."""
    return text if len(text) <= LONGEST_LOG else text[-LONGEST_LOG:].partition("\n")[2]
