"""The environments of this node: directories with the packages of one lock, for this Python and platform.

An environment lies in the store's root under its key. It has that name only when it is complete: it is built beside,
and renamed. Several nodes may share a root.
"""

import json
import os
import re
import secrets
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from hosts import file_trees
from hosts.build_locks import BuildLocks
from hosts.file_trees import bytes_of

MARKER = ".environment.json"
_DIGEST = re.compile("[0-9a-f]{64}")
_KEY = re.compile("[0-9a-f]{64}-[a-z0-9_-]+")
_BUILDING, _REMOVED = ".building-", ".removed-"
_UNFINISHED = ".tmp"  # as uv calls it
_TOUCH_SECONDS = 60.0
# That of a Python which another node with the same root may have, or this one had before.
_FOREIGN_SECONDS = 30 * 86_400.0


@cache
def python_tag() -> str:
    """What packages are built for, such as `cp311-linux-x86_64`."""
    implementation = {"cpython": "cp"}.get(sys.implementation.name, sys.implementation.name)
    platform = re.sub("[^a-z0-9_]", "-", sysconfig.get_platform().lower())
    return f"{implementation}{sys.version_info.major}{sys.version_info.minor}-{platform}"


@dataclass(frozen=True)
class Marker:
    """What an environment says about itself, in a file that is written last."""

    digest: str
    size_bytes: int
    modules: list[str]
    warnings: list[str]
    made_at: float = field(default_factory=time.time)

    def write(self, directory: Path) -> None:
        """Raises OSError."""
        with open(directory / MARKER, "w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, directory: Path) -> "Marker | None":
        """That of an environment; None if there is none, or only one of another release."""
        try:
            return cls(**json.loads((directory / MARKER).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None


@dataclass(frozen=True)
class FoundEnvironment:
    """Where an environment lies, and which one it is: another one may have been built in its place since."""

    path: Path
    identity: tuple[int, int]


@dataclass(frozen=True)
class StoredEnvironment:
    """An environment that is complete. `used_at` is a time as of `time.time`."""

    digest: str
    path: Path
    size_bytes: int
    used_at: float


class EnvironmentStore:
    """The environments in `root`, which is made when something is built."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache_dir = root / "cache"
        """What uv keeps for later builds."""
        self.locks = BuildLocks(root / "locks")

    def path(self, digest: str) -> Path:
        """Where the environment of a lock lies, or would. Raises ValueError for anything but a SHA-256."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not the digest of a lock")
        return self.root / f"{digest}-{python_tag()}"

    def find(self, digest: str) -> Path | None:
        """The directory of a complete environment; None also for what is not the digest of a lock."""
        path = self.path(digest) if _DIGEST.fullmatch(digest) else None
        return path if path and (path / MARKER).is_file() else None

    def look_up(self, digest: str) -> FoundEnvironment | None:
        """The environment that `find` finds. Raises OSError if it has just gone."""
        if (path := self.find(digest)) is None:
            return None
        found = path.stat()
        return FoundEnvironment(path, (found.st_ino, found.st_ctime_ns))

    def listed(self) -> list[StoredEnvironment]:
        """The complete environments, also those for another Python."""
        return [stored for path in self._entries() if _KEY.fullmatch(path.name) and (stored := _stored(path))]

    def used(self, digest: str) -> None:
        """Note that the environment is in use. That is written once a minute."""
        with suppress(OSError, ValueError):
            marker = self.path(digest) / MARKER
            if time.time() - marker.stat().st_mtime >= _TOUCH_SECONDS:
                os.utime(marker)

    def remove(self, digest: str) -> None:
        """Remove the environments of a lock, for whatever Python. At once, `find` finds none."""
        self.path(digest)
        for path in self._entries():
            if path.name.startswith(f"{digest}-"):
                self.discard(path)

    def discard(self, path: Path) -> None:
        """Remove a directory of the store, if it is there: at once under its name, then what it holds."""
        removed = self.root / f"{_REMOVED}{secrets.token_hex(8)}"
        with suppress(FileNotFoundError):
            path.rename(removed)
        file_trees.remove(removed)

    def size_bytes(self) -> int:
        """What environments and cache take on the disk. This looks at every file of the cache."""
        return sum(stored.size_bytes for stored in self.listed()) + bytes_of(self.cache_dir)

    def clean(self) -> None:
        """Remove what builds have left that could not end, and environments of a Python that is long gone."""
        for path in self._entries():
            if path.name.startswith(_REMOVED):
                file_trees.remove(path)
            elif path.name.startswith(_BUILDING):
                self._remove_if_dead(path)
        for stored in self.listed():
            is_foreign = not stored.path.name.endswith(f"-{python_tag()}")
            if is_foreign and time.time() - stored.used_at > _FOREIGN_SECONDS:
                self.discard(stored.path)
        self.clean_cache()
        self.remove_damaged()
        self.locks.remove_unused()

    def remove_damaged(self) -> None:
        """Remove environments whose marker cannot be read, such as after a fault of the disk: they are built anew."""
        for stored in self.listed():
            if Marker.read(stored.path) is None:
                self.discard(stored.path)

    def clear_cache(self) -> bool:
        """Remove what uv keeps for later builds, unless one is running; returns whether there is nothing left."""
        if self._is_building():
            return False
        # A build that begins right now has not called uv yet: that takes longer than to rename the cache.
        self.discard(self.cache_dir)
        return not self.cache_dir.exists()

    def clean_cache(self) -> None:
        """Remove what uv could not complete when it was killed, unless a build is running."""
        left = list(self.cache_dir.glob(f"{_UNFINISHED}*"))
        if left and not self._is_building():
            for path in left:
                self.discard(path)

    @contextmanager
    def building(self, name: str) -> Iterator[Path]:
        """A new directory for a build, which is removed at the end. The lock of the same name must be held.

        Raises OSError.
        """
        path = self.root / f"{_BUILDING}{name}-{secrets.token_hex(4)}"
        path.mkdir(mode=0o700, parents=True)
        try:
            yield path
        finally:
            file_trees.remove(path)

    def _is_building(self) -> bool:
        return any(path.name.startswith(_BUILDING) for path in self._entries())

    def _remove_if_dead(self, building: Path) -> None:
        name = building.name.removeprefix(_BUILDING).rpartition("-")[0]
        with self.locks.holding(name) as is_mine:
            if is_mine:
                file_trees.remove(building)

    def _entries(self) -> list[Path]:
        try:
            return sorted(self.root.iterdir())
        except OSError:
            return []


def _stored(path: Path) -> StoredEnvironment | None:
    try:
        used_at = (path / MARKER).stat().st_mtime
    except OSError:
        return None
    marker = Marker.read(path)
    return StoredEnvironment(path.name.partition("-")[0], path, marker.size_bytes if marker else 0, used_at)
