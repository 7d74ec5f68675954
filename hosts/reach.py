"""The files and directories that a script can reach, as the worker hands them to the zygote."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Paths that scripts may read (and execute), and paths that they may also write."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]

    def inodes(self) -> list[tuple[int, int] | None]:
        """The files that the paths name now. A running host reaches those that they named when it started."""
        return [_inode(path) for path in (*self.readable, *self.writable)]


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
