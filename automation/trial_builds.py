"""Builds without a version: the packages of source that is tried before it is saved."""

from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from automation import build_changes
from automation.builds import Build, BuildState, NodeEnvironment, PackageLock
from automation.package_plans import is_allowed
from automation.required import is_required
from automation.requirements import Requirements
from automation.versions import ScriptVersion
from objects.changes import refusal

_SURE: Final = timedelta(hours=1)
"""How long after a build every node is taken to have an environment that only trials need. A node that joins lacks it.
"""

_KEPT: Final = timedelta(days=1)

MOST_AT_ONCE: Final = 3
"""How many builds of trials of one user go on. The next one begins when the caller asks again after the end of one."""


def environment_for(needed: Requirements, by: str, *, build_again: bool = False) -> str:
    """The digest of the environment for source with these requirements, empty if it needs none.

    Unless nodes have it, they begin to build it, and the caller asks again until they do. What has failed is built once
    more only with `build_again`.

    Raises:
        ValidationError: `PackagesNotReady` (+ `build`, `state`, `message`, `log`).
    """
    if not needed:
        return ""
    builds = Build.objects.filter(requirements_digest=needed.digest).select_related("lock").order_by("-pk")
    known = builds.filter(state=BuildState.READY).exclude(lock=None).first()
    known = known if known is not None and is_allowed(known.lock) else None
    if known is not None and known.lock is not None and _is_everywhere(builds, known.lock):
        return known.lock.digest
    build = _going_on(builds) or (None if build_again else _failed(builds, known)) or _awaited_first(by)
    lock = None if known is None else known.lock
    raise _refusal(build or build_changes.begin(None, needed, lock, by=by, is_ready=False, becomes_current=False))


def prune() -> int:
    """Delete builds without a version that have ended a day ago, and locks that no build names; returns how many."""
    until = timezone.now() - _KEPT
    # Also those of versions that the release before has deleted.
    versions = ScriptVersion.objects.filter(pk=OuterRef("version_id"))
    _count, builds = Build.objects.filter(~Exists(versions), ended_at__lt=until).delete()
    named = Build.objects.filter(lock=OuterRef("pk"))
    _count, locks = PackageLock.objects.filter(~Exists(named), created_at__lt=until).delete()
    return builds.get(Build._meta.label, 0) + locks.get(PackageLock._meta.label, 0)


def _is_everywhere(builds: "QuerySet[Build]", lock: PackageLock) -> bool:
    recent = builds.filter(lock=lock, state=BuildState.READY, ended_at__gt=timezone.now() - _SURE)
    return is_required(lock.pk) or recent.exists()


def _going_on(builds: "QuerySet[Build]") -> Build | None:
    return builds.filter(state=BuildState.BUILDING).first()


def _awaited_first(by: str) -> Build | None:
    """A trial's build that must end before another one of this user may begin; None if one may."""
    going_on = Build.objects.filter(version=None, started_by=by, state=BuildState.BUILDING).order_by("pk")
    return going_on.first() if going_on.count() >= MOST_AT_ONCE else None


def _failed(builds: "QuerySet[Build]", known: Build | None) -> Build | None:
    """The last trial's build, if it has failed since the environment was there."""
    last = builds.filter(version=None).first()
    is_later = last is not None and (known is None or last.pk > known.pk)
    return last if last is not None and is_later and last.state == BuildState.FAILED else None


def _refusal(build: Build) -> ValidationError:
    rule = _("The packages are being installed. Try again in a moment.")
    if build.state == BuildState.FAILED:
        rule = _("The packages could not be installed: %(message)s")
    details = {"build": build.pk, "state": str(build.state), "message": build.message, "log": _log(build)}
    return refusal("PackagesNotReady", rule, **details)


def _log(build: Build) -> str:
    """What resolving has printed, then what each node has."""
    nodes = NodeEnvironment.objects.filter(lock=build.lock_id).order_by("node_id") if build.lock_id else []
    return "".join([build.log, *(_("Node {}:").format(node.node_id) + f"\n{node.log}" for node in nodes if node.log)])
