"""What a page shows of the build of a version while it goes on, and after its end."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import redis
from django.utils.translation import gettext as _

from automation.builds import Build, BuildState, NodeEnvironment, build_of
from automation.models import AutomationScript
from automation.versions import ScriptVersion
from console.scripts.package_groups import VersionPackages, packages_of
from fleet import overview


@dataclass(frozen=True)
class BuildPanel:
    """The build of a version. `waiting` are the nodes that have not begun it."""

    script: AutomationScript
    version: ScriptVersion
    build: Build
    packages: VersionPackages
    nodes: Sequence[NodeEnvironment]
    waiting: Sequence[int] = ()

    @property
    def is_current(self) -> bool:
        return self.version.number == self.script.current_version

    @property
    def title(self) -> str:
        number = self.version.number
        if self.build.state == BuildState.BUILDING:
            return _("Version %d is being built") % number
        if self.build.state == BuildState.FAILED:
            return _("Version %d is not built") % number
        return (_("Version %d is current.") if self.is_current else _("Version %d is ready.")) % number

    @property
    def said(self) -> str:
        """What is announced when the build has ended."""
        return "" if self.build.is_going_on else self.title

    @property
    def meaning(self) -> str:
        """What runs meanwhile, or what this version may be used for."""
        build, current = self.build, self.script.current_version
        if build.is_going_on and build.becomes_current:
            return runs_until_then(current)
        if build.state == BuildState.READY or build.is_going_on:
            return "" if self.is_current else _("APIs can be pinned to it as soon as it is ready.")
        if self.version.number != self.script.pending_version:
            return ""
        return _("Version %d still runs.") % current if current else _("No version of the script runs yet.")

    @property
    def step(self) -> str:
        """What the nodes do now."""
        if self.build.lock is None:
            return _("Finding versions that fit together")
        return _("Installing the packages on every node")


def being_built(script: AutomationScript) -> str:
    """What a message says of the version that a save has made, or made current, if it has to be built first."""
    number, current = script.pending_version or 0, script.current_version
    if current is None:
        return _("Version %d becomes current as soon as it is built; calls are refused until then.") % number
    return _("Version %(number)d becomes current as soon as it is built; version %(current)d runs until then.") % {
        "number": number,
        "current": current,
    }


def runs_until_then(current: int | None) -> str:
    if current is None:
        return _("It becomes current as soon as every node has its packages. Until then, calls are refused.")
    return _("Version %d runs until every node has its packages.") % current


def panel_of(script: AutomationScript, version: ScriptVersion) -> BuildPanel | None:
    """What to show of the build of `version`; None if it has no packages."""
    build = build_of(version)
    if build is None:
        return None
    nodes = list(NodeEnvironment.objects.filter(lock=build.lock_id).order_by("node_id")) if build.lock_id else []
    waiting = _without({node.node_id for node in nodes}) if build.is_going_on and build.lock_id else []
    return BuildPanel(script, version, build, packages_of(version, build), nodes, waiting)


def pending_panel(script: AutomationScript) -> BuildPanel | None:
    """What to show on the pages of a script: the build of the version that waits for it."""
    if script.pending_version is None:
        return None
    version = script.versions.filter(number=script.pending_version).first()
    return panel_of(script, version) if version else None


def current_panel(script: AutomationScript) -> BuildPanel | None:
    """The build of the version that runs; None if it has no packages."""
    version = script.versions.filter(number=script.current_version).first() if script.current_version else None
    return panel_of(script, version) if version else None


def current_packages(script: AutomationScript) -> VersionPackages | None:
    """The packages of the version that runs; None if it has none."""
    if script.current_version is None:
        return None
    version = script.versions.filter(number=script.current_version).first()
    build = build_of(version) if version else None
    return packages_of(version, build) if version and build else None


def _without(known: set[int]) -> list[int]:
    """The nodes that are alive, without the known ones."""
    with suppress(redis.RedisError):
        return sorted({node.id for node in overview.nodes()} - known)
    return []
