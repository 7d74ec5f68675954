"""Tells what becomes of builds while they go on."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import redis

from as_code.awaited_builds import AwaitedBuild
from automation.builds import Build, BuildState, NodeEnvironment
from fleet import overview

_PAUSE_SECONDS: Final = 0.5
_SHOWN_PACKAGES: Final = 10


class NobodyBuildsError(Exception):
    """Why no node builds anything, as a sentence."""


class BuildProgress:
    """Follows builds, and gives `write` a line for each change."""

    def __init__(self, awaited: Sequence[AwaitedBuild], write: Callable[[str], object]) -> None:
        self._awaited, self._write = awaited, write
        self._told: dict[str, str] = {}

    def wait(self, seconds: float) -> dict[AwaitedBuild, str]:
        """Wait until all builds have ended, at most so long; returns why versions are not ready.

        Raises:
            NobodyBuildsError: no node is there to build them.
        """
        ends_at = time.monotonic() + seconds
        builds = self._look()
        if _goes_on(builds.values()) and (why := _nobody()):
            raise NobodyBuildsError(why)
        while _goes_on(builds.values()) and time.monotonic() < ends_at:
            time.sleep(_PAUSE_SECONDS)
            builds = self._look()
        return {one: why for one in self._awaited if (why := _why_not(builds.get(one.build_id)))}

    def _look(self) -> Mapping[int, Build]:
        """Tell what has changed, and return the builds by id, without those whose scripts were deleted."""
        rows = Build.objects.select_related("lock").defer("lock__text")
        builds = rows.in_bulk([one.build_id for one in self._awaited])
        first: dict[int, str] = {}
        for one in self._awaited:
            if (build := builds.get(one.build_id)) is not None:
                self._tell(one.title, _said_of(build))
                if build.state == BuildState.BUILDING and build.lock_id is not None:
                    first.setdefault(build.lock_id, one.title)
        # Several versions may share a lock.
        for row in NodeEnvironment.objects.filter(lock__in=first).order_by("lock", "node_id"):
            said = row.message if row.state == BuildState.FAILED else _last_line(row.log)
            self._tell(f"{first[row.lock_id]}, node {row.node_id}", _joined(row.state, said))
        return builds

    def _tell(self, title: str, text: str) -> None:
        if self._told.get(title) != text:
            self._told[title] = text
            self._write(f"{title}: {text}")


def _goes_on(builds: Collection[Build]) -> bool:
    return any(build.state == BuildState.BUILDING for build in builds)


def _said_of(build: Build) -> str:
    if build.state == BuildState.FAILED:
        return _joined(build.state, build.message)
    if build.lock is None:
        return _joined(build.state, _last_line(build.log))
    names = [f"{name} {version}" for name, version in build.lock.packages]
    more = [f"and {len(names) - _SHOWN_PACKAGES} more"] if len(names) > _SHOWN_PACKAGES else []
    return _joined(build.state, ", ".join([*names[:_SHOWN_PACKAGES], *more]))


def _joined(state: str, said: str) -> str:
    return f"{state}: {said}" if said else state


def _last_line(log: str) -> str:
    return log.rstrip().rpartition("\n")[2]


def _why_not(build: Build | None) -> str:
    """Why a version is not ready; empty if it is."""
    if build is None:
        return "it was deleted meanwhile"
    if build.state == BuildState.BUILDING:
        return "its build goes on"
    return build.message if build.state == BuildState.FAILED else ""


def _nobody() -> str:
    try:
        nodes = overview.look(with_leaving=True).nodes
    except redis.RedisError as error:
        return f"The nodes cannot be asked: {error}."
    if any(beat.node.builds for beat in nodes):
        return ""
    return "No worker node that installs packages is alive."
