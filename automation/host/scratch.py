"""Scratch directories: an empty one for each run, gone when it ends if there was anything in it.

To make and remove one takes 0.1 ms where the file system has a journal, a tenth of a worker node's time for a
trigger. Most scripts leave theirs untouched: then the next run of the same host has it.
"""

import itertools
import logging
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.01
_numbers = itertools.count(1)


def make_base(parent: Path | None, user: str) -> Path:
    """The directory for a worker's scratch directories; `user` may pass through it. Raises OSError."""
    base = Path(tempfile.mkdtemp(prefix="script-hosts-", dir=parent))
    if user:
        base.chmod(0o711)
    return base


def touch(base: Path) -> None:
    """Show that the directory is in use."""
    with suppress(OSError):
        os.utime(base)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A directory for runs of one host, and how it was when it was new."""

    path: str
    state: tuple[int, int, int]

    def is_untouched(self) -> bool:
        """Whether it is empty, and nobody has changed it since it was made."""
        try:
            return _state(self.path) == self.state and not os.listdir(self.path)
        except OSError:
            return False


def make(base: Path, user: str) -> Scratch:
    """A new directory under `base` for one host; `user`'s own unless that is empty. Raises OSError."""
    # Not a `Path`: each would leave its name in Python's table of interned strings, which grows by steps.
    path = f"{base}/run-{next(_numbers)}"
    os.mkdir(path, mode=0o700)
    if user:
        shutil.chown(path, user)
    return Scratch(path, _state(path))


def _state(path: str) -> tuple[int, int, int]:
    """Which directory it is, its mode, and when either that or its entries last changed: the kernel alone sets that."""
    found = os.lstat(path)
    return found.st_ino, found.st_mode, found.st_ctime_ns


def remove(path: str | Path) -> None:
    """Remove a run's directory; what is left in spite of that is logged, never raised."""
    try:
        is_gone = _remove_empty(path) or remove_tree(Path(path))
    except OSError:
        # The script has closed the directory above to its own account.
        is_gone = False
    if not is_gone:
        _log.warning("The scratch directory %s could not be removed.", path)


def _remove_empty(path: str | Path) -> bool:
    """Whether nothing was in it, as after most runs: that takes one call, looking for what there is takes ten."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


def remove_tree(path: Path) -> bool:
    """Remove a directory with all that is in it, also what forbids it by its mode; whether it is gone."""
    if path.is_symlink() or not path.is_dir():
        # A script put it in the place of its directory: what a link points to is none of ours.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return not os.path.lexists(path)
    for attempt in range(_ATTEMPTS):
        if attempt:
            # A killed process may still have been writing, and a script may have taken its own rights away.
            time.sleep(_PAUSE_SECONDS)
            with suppress(RecursionError):
                _open_up(path)
        with suppress(RecursionError):
            shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return True
    return False


def _open_up(path: Path) -> None:
    with suppress(OSError):
        path.chmod(0o700)
    for directory, names, _ in os.walk(path):
        for name in names:
            with suppress(OSError):
                # Not through a link: what it points to is none of ours.
                if not (inner := Path(directory, name)).is_symlink():
                    inner.chmod(0o700)
