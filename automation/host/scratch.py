"""Scratch directories: a fresh one for each run, gone when it ends."""

import itertools
import logging
import os
import shutil
import tempfile
import time
from contextlib import suppress
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


def make(base: Path, user: str) -> Path:
    """A new directory under `base` for one run; `user`'s own unless that is empty. Raises OSError."""
    path = base / f"run-{next(_numbers)}"
    path.mkdir(mode=0o700)
    if user:
        shutil.chown(path, user)
    return path


def remove(path: Path) -> None:
    """Remove a run's directory; what is left in spite of that is logged, never raised."""
    if not _remove_empty(path) and not remove_tree(path):
        _log.warning("The scratch directory %s could not be removed.", path)


def _remove_empty(path: Path) -> bool:
    """Whether nothing was in it, as after most runs: that takes one call, looking for what there is takes ten."""
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def remove_tree(path: Path) -> bool:
    """Remove a directory with all that is in it, also what forbids it by its mode; whether it is gone."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            # A killed process may still have been writing, and a script may have taken its own rights away.
            time.sleep(_PAUSE_SECONDS)
            _open_up(path)
        with suppress(RecursionError):
            shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return True
    return False


def _open_up(path: Path) -> None:
    with suppress(OSError):
        path.chmod(0o700)
    for directory, names, _ in os.walk(path):
        for name in names:
            with suppress(OSError, NotImplementedError):
                # Not through a link: what it points to is none of ours.
                if not (inner := Path(directory, name)).is_symlink():
                    inner.chmod(0o700)
