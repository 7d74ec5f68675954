"""Locks by name, on files in one directory: they say what is being built, however a builder ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.locks import held


class BuildLocks:
    """The locks of all builders that share `directory`, which is made with the first lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def holding(self, name: str) -> Iterator[bool]:
        """Hold the lock of that name meanwhile, and tell whether nobody else does. Raises OSError."""
        descriptor = self._taken(name)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _taken(self, name: str) -> int | None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / name
        while (descriptor := held(path)) is not None:
            # Somebody may have removed the file between our opening and locking it, and another made it again.
            if _is_at(descriptor, path):
                return descriptor
            os.close(descriptor)
        return None

    def remove_unused(self) -> None:
        """Remove the files that nobody holds a lock on."""
        for path in list(self._directory.glob("*")):
            with self.holding(path.name) as is_mine:
                if is_mine:
                    path.unlink(missing_ok=True)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
