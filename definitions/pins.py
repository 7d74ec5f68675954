"""Pins: the versions that APIs run whatever becomes current. An API is pinned only to a version that is ready."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from automation.builds import Build, BuildState, build_of
from automation.libraries import hold_libraries
from automation.versions import ScriptVersion


def hold(pins: Collection[tuple[UUID | None, int | None]]) -> None:
    """Until the commit, let nobody delete a library that these versions use, nor their environments be removed.

    `pins` are scripts and the numbers of versions; None is no pin.
    """
    numbers = [Q(version__script=script, version__number=number) for script, number in pins if number is not None]
    if numbers:
        hold_libraries()
        builds = Build.objects.filter(Q(*numbers, _connector=Q.OR)).order_by("pk")
        list(builds.select_for_update(of=("self",)).values_list("pk"))


def unready(version: ScriptVersion, *, may_wait: bool) -> str | None:
    """The rule that a version breaks which is not ready; None if it is, or if it is being built and this `may_wait`."""
    build = build_of(version)
    if build is None or build.state == BuildState.READY:
        return None
    if build.state == BuildState.FAILED:
        return _("Version %(scriptVersion)s is not ready: it could not be built. Build it again first.")
    return None if may_wait else _("Version %(scriptVersion)s is not ready: its packages are being installed.")
